//! Lists of one property or guest that has more rows than are looked at for a page: what
//! a plain condition finds, in the order of a plain sort, with pages that may be short.

use frontdesk::demo;
use uuid::Uuid;

use super::help::foreign::CHALET;
use super::help::new_request::{GUEST, OTHER_GUEST};
use super::windows::{condition, paged};
use crate::fixture::{Fixture, LAKE_HOUSE, Layout};

/// Rows of other programs: some are deleted, and a few stays are long. In three of four
/// the one has the other, whose rows are more than a page looks at.
fn rows(table: &str, columns: &str, values: &str) -> String {
    format!(
        "insert into {table} (tenant_id, id, property_id, guest_id, check_in, check_out, status, created_at, \
            updated_at{columns}) \
         select '{tenant}', md5('{table}' || n)::uuid, \
            case when n % 4 = 0 then '{CHALET}' else '{LAKE_HOUSE}' end::uuid, \
            case when n % 4 = 1 then '{OTHER_GUEST}' else '{GUEST}' end::uuid, \
            day, day + case when n % 100 = 7 then 200 else 1 + n % 9 end, \
            case when n % 10 < 8 then 'cancelled' else 'declined' end, \
            day - (n * 31 % 200) * interval '1 day' - n % 5 * interval '1 minute', now(){values} \
         from (select n, date '2030-01-01' + n * 7 % 1825 as day from generate_series(1, 2200) n) days",
        tenant = demo::TENANT
    )
}

const CLAIMS: [&str; 5] = [
    "stay_from=2029-06-01",
    "stay_from=2031-03-10&stay_to=2031-03-17",
    "stay_from=2034-11-01",
    "created_from=2031-01-01T00:00:00Z&created_to=2031-02-01T00:00:00Z",
    "stay_from=2031-03-10&stay_to=2032-05-10&created_from=2031-01-01T00:00:00Z",
];

#[tokio::test]
async fn lists_of_one_have_every_row_in_its_order_in_the_standard_layout() {
    every_row_in_order(Layout::Standard).await;
}

#[tokio::test]
async fn lists_of_one_have_every_row_in_its_order_in_the_single_table() {
    every_row_in_order(Layout::ConfirmedOnly).await;
}

async fn every_row_in_order(layout: Layout) {
    let fixture = Fixture::start_in(layout).await;
    let token = fixture.manager().await;
    let table = layout.requests();
    fixture.sql.batch_execute(&rows(table, ", guest_count, decline_reason", ", 1, 'no'")).await.unwrap();
    if layout == Layout::Standard {
        fixture.sql.batch_execute(&rows("bookings", "", "")).await.unwrap();
    }
    let delete = "update bookings set deleted_at = now() where check_in > '2029-01-01' and check_in < '2032-01-01' \
                  and extract(doy from check_in) > 300";
    fixture.execute(delete, &[]).await;
    let mut short = 0;
    let guest: Uuid = GUEST.parse().unwrap();
    for (number, claim) in CLAIMS.into_iter().enumerate() {
        for (list, order, sort) in [
            ("booking-requests", "&order=newest_first", "created_at desc, id desc"),
            ("booking-requests", "&order=oldest_first", "created_at, id"),
            ("booking-requests", "&order=check_in", "check_in, created_at, id"),
            ("bookings", "", "check_in, id"),
        ] {
            if list == "bookings" && claim.contains("created") {
                continue;
            }
            let table = if list == "bookings" { "bookings" } else { table };
            let owners = [
                (format!("property_id={LAKE_HOUSE}"), format!("property_id = '{LAKE_HOUSE}'")),
                (format!("guest_id={guest}"), format!("guest_id = '{guest}'")),
                (
                    format!("property_id={CHALET}&guest_id={guest}"),
                    format!("property_id = '{CHALET}' and guest_id = '{guest}'"),
                ),
            ];
            for (owner, of_owner) in owners {
                let statuses: &[&str] = [&[][..], &["declined"]][number % 2];
                let live = if table == "bookings" { "deleted_at is null" } else { "true" };
                let expected = format!(
                    "select id::text from {table} where tenant_id = $1 and {of_owner} and {live} and {} order by {sort}",
                    condition(claim, statuses)
                );
                let expected = fixture.sql.query(&expected, &[&demo::TENANT]).await.unwrap();
                let expected: Vec<String> = expected.iter().map(|row| row.get(0)).collect();
                let asked = statuses.first().map(|status| format!("&status={status}")).unwrap_or_default();
                let query = format!("{owner}&{claim}{asked}{order}&page_size=50");
                let (ids, pages) = paged(&fixture, &token, list, &query).await;
                assert_eq!(ids, expected, "{layout:?} {list} {query}");
                // One page that is looked through in vain, where a window is no order.
                let most = expected.len() / 50 + 3;
                assert!(pages <= most, "{layout:?} {list} {query}: {pages} pages of {}", expected.len());
                short += usize::from(pages > expected.len() / 50 + 1);
            }
        }
    }
    assert!(short > 0, "no page was short: no list ended in what is looked at");
}
