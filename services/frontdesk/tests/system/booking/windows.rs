//! Lists of requests through windows of stays and of creation, in every order: what a
//! plain condition finds, in the order of a plain sort, whichever statement finds it.

use frontdesk::demo;

use super::foreign_rows::OPENED;
use super::help::new_request::GUEST;
use crate::fixture::{Fixture, LAKE_HOUSE, Layout};
use crate::pages::{ids, rows};

/// Requests over five years, with stays of 1 to 60 nights, asked for up to 200 days
/// before; of a common status and two rarer ones, on some days many and on others none.
fn requests(table: &str) -> String {
    format!(
        "insert into {table} (tenant_id, id, property_id, guest_id, check_in, check_out, status, guest_count, \
            decline_reason, created_at, updated_at) \
         select '{}', md5('request' || n)::uuid, '{LAKE_HOUSE}', '{GUEST}', day, day + 1 + n * 7 % 60, \
            case when n % 10 < 8 then 'cancelled' when n % 10 = 8 then 'declined' else 'requested' end, 1, \
            'no', day - (n * 31 % 200) * interval '1 day' - n % 5 * interval '1 minute', now() \
         from (select n, date '2030-01-01' + (n * n + n % 3) % 1825 as day from generate_series(1, 1500) n) days",
        demo::TENANT
    )
}

const CLAIMS: &[&str] = &[
    "stay_from=2031-03-10&stay_to=2031-03-11",
    "stay_from=2031-03-10&stay_to=2031-03-17",
    "stay_from=2031-03-10&stay_to=2031-05-10",
    "stay_from=2031-03-10&stay_to=2032-03-10",
    "stay_from=2030-06-01&stay_to=2034-06-01",
    "stay_from=2033-06-01",
    "stay_to=2030-03-01",
    "stay_from=2030-03-01",
    "created_from=2031-01-01T00:00:00Z&created_to=2031-02-01T00:00:00Z",
    "created_from=2030-01-01T00:00:00Z&created_to=2034-01-01T00:00:00Z",
    "created_from=2033-01-01T00:00:00Z",
    "stay_from=2031-03-10&stay_to=2031-05-10&created_from=2031-01-01T00:00:00Z&created_to=2031-02-01T00:00:00Z",
    "stay_from=2030-03-10&stay_to=2034-05-10&created_from=2031-01-01T00:00:00Z&created_to=2031-04-01T00:00:00Z",
];

const STATUSES: &[&[&str]] = &[&[], &["cancelled"], &["declined", "requested"]];

/// The condition that a query asks for.
pub(super) fn condition(claim: &str, statuses: &[&str]) -> String {
    let mut condition = vec!["check_in >= '2029-01-01'".to_owned()];
    for part in claim.split('&') {
        let (name, value) = part.split_once('=').unwrap();
        condition.push(match name {
            "stay_from" => format!("check_out > '{value}'"),
            "stay_to" => format!("check_in < '{value}'"),
            "created_from" => format!("created_at >= '{value}'"),
            "created_to" => format!("created_at < '{value}'"),
            other => panic!("{other}"),
        });
    }
    if !statuses.is_empty() {
        condition.push(format!("status in ('{}')", statuses.join("', '")));
    }
    condition.join(" and ")
}

/// The ids of a list in pages, and how many pages there were.
pub(super) async fn paged(fixture: &Fixture, token: &str, list: &str, query: &str) -> (Vec<String>, usize) {
    let pages = fixture.pages(token, &format!("/v1/{list}?{query}")).await;
    (ids(&rows(&pages, &list.replace('-', "_"))), pages.len())
}

#[tokio::test]
async fn windows_have_every_request_in_their_order_in_the_standard_layout() {
    every_request_in_order(Layout::Standard).await;
}

#[tokio::test]
async fn windows_have_every_request_in_their_order_in_the_single_table() {
    every_request_in_order(Layout::ConfirmedOnly).await;
}

async fn every_request_in_order(layout: Layout) {
    let fixture = Fixture::start_in(layout).await;
    let token = fixture.manager().await;
    let table = layout.requests();
    // The demo's own stays are of this year, and not in the way.
    fixture.sql.batch_execute(&requests(table)).await.unwrap();
    let mut short = 0;
    for (order, sort) in [
        ("newest_first", "created_at desc, id desc"),
        ("oldest_first", "created_at, id"),
        ("check_in", "check_in, created_at, id"),
    ] {
        for claim in CLAIMS {
            for statuses in STATUSES {
                let condition = condition(claim, statuses);
                let query = format!(
                    "select id::text from {table} where tenant_id = $1 and {condition} order by {sort}"
                );
                let rows = fixture.sql.query(&query, &[&demo::TENANT]).await.unwrap();
                let expected: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
                let asked: Vec<String> = statuses.iter().map(|status| format!("&status={status}")).collect();
                let asked = asked.concat();
                for size in [40, 200] {
                    // Without those of the demo.
                    let from = if claim.starts_with("stay_to") { "&stay_from=2029-06-01" } else { "" };
                    let query = format!("{claim}{asked}{from}&order={order}&page_size={size}");
                    let (ids, pages) = paged(&fixture, &token, "booking-requests", &query).await;
                    assert_eq!(ids, expected, "{layout:?} {query}");
                    short += usize::from(pages > expected.len() / size + 1);
                }
            }
        }
    }
    assert!(short > 0, "no page was short: nothing was looked through");
}

/// Another program's stay without a beginning is a day of its own, and not the last one.
#[tokio::test]
async fn a_stay_without_a_beginning_holds_up_no_list() {
    for layout in [Layout::Standard, Layout::ConfirmedOnly] {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        let table = layout.requests();
        fixture.sql.batch_execute(OPENED).await.unwrap();
        fixture.sql.batch_execute(&requests(table)).await.unwrap();
        let endless = format!(
            "insert into {table} (tenant_id, id, property_id, guest_id, check_in, check_out, status, guest_count, \
                created_at, updated_at) \
             select $1, gen_random_uuid(), $2, '{GUEST}', '-infinity', date '2031-01-01' + n, 'cancelled', 1, \
                timestamptz '2031-01-01' + n * interval '1 day', now() from generate_series(1, 3) n"
        );
        fixture.execute(&endless, &[&demo::TENANT, &LAKE_HOUSE]).await;
        for order in ["newest_first", "oldest_first", "check_in"] {
            for claim in ["stay_from=2029-01-01", "stay_to=2034-01-01", CREATED, CREATED_LATER] {
                let mut condition = vec!["true".to_owned()];
                condition.extend(claim.strip_prefix("stay_from=").map(|day| format!("check_out > '{day}'")));
                condition.extend(claim.strip_prefix("stay_to=").map(|day| format!("check_in < '{day}'")));
                condition
                    .extend(claim.strip_prefix("created_from=").map(|at| format!("created_at >= '{at}'")));
                let there = format!(
                    "select count(*) from {table} where tenant_id = $1 and {}",
                    condition.join(" and ")
                );
                let there = fixture.count(&there, &[&demo::TENANT]).await;
                let (ids, _) = paged(
                    &fixture,
                    &token,
                    "booking-requests",
                    &format!("{claim}&order={order}&page_size=200"),
                )
                .await;
                assert_eq!(i64::try_from(ids.len()).unwrap(), there, "{layout:?} {order} {claim}");
            }
        }
    }
}

const CREATED: &str = "created_from=2029-01-01T00:00:00Z";
/// After those that have no beginning.
const CREATED_LATER: &str = "created_from=2031-06-01T00:00:00Z";

/// Counts follow the same windows.
#[tokio::test]
async fn counts_follow_windows() {
    for layout in [Layout::Standard, Layout::ConfirmedOnly] {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        let table = layout.requests();
        fixture.sql.batch_execute(&requests(table)).await.unwrap();
        let of_guest = format!("guest_id={GUEST}&stay_from=2029-01-01");
        for claim in CLAIMS.iter().copied().filter(|claim| claim.contains("stay_from")).chain([&*of_guest]) {
            let window = claim.strip_prefix(&format!("guest_id={GUEST}&")).unwrap_or(claim);
            let list =
                fixture.get(&format!("/v1/booking-requests?include_counts=true&{claim}"), &token).await;
            for counted in list.ok()["counts"].as_array().unwrap() {
                let status = counted["status"].as_str().unwrap();
                let condition = condition(window, &[status]);
                let query = format!("select count(*) from {table} where tenant_id = $1 and {condition}");
                let there = fixture.count(&query, &[&demo::TENANT]).await;
                // One owner's are counted to the end, of which there are more.
                let most = if claim == window { 500 } else { 2000 };
                assert_eq!(counted["count"], there.min(most), "{layout:?} {claim} {status}");
                assert_eq!(counted["more"], there > most, "{claim} {status}");
            }
        }
    }
}
