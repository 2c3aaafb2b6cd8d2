//! Approvals of tenants that have few calls each go together: in one transaction, and each
//! as if it were alone.

use frontdesk::demo;
use futures::future::join_all;
use serde_json::Value as Json;
use uuid::Uuid;

use super::help::crowd::{Ask, Crowd};
use super::help::foreign::{GUEST, STRANGER};
use crate::fixture::{Answer, HARBOUR_LOFT};

const THIRD: Uuid = Uuid::from_u128(0x0d00_0000_0000_7000_8000_0000_0000_0c03);
const FOURTH: Uuid = Uuid::from_u128(0x0d00_0000_0000_7000_8000_0000_0000_0c04);
/// Tenants whose calls keep those of the others waiting.
const SLOW: [Uuid; 2] = [
    Uuid::from_u128(0x0d00_0000_0000_7000_8000_0000_0000_0c05),
    Uuid::from_u128(0x0d00_0000_0000_7000_8000_0000_0000_0c06),
];

/// Tenants with a house each, of all of which the manager is one.
async fn join_tenants(crowd: &Crowd) {
    let sql = &crowd.fixture.sql;
    for (number, tenant) in [THIRD, FOURTH].into_iter().chain(SLOW).enumerate() {
        let name = format!("tenant-{number}");
        sql.execute(
            "insert into identity.tenants (id, slug, name, created_at) values ($1, $2, $2, now())",
            &[&tenant, &name],
        )
        .await
        .unwrap();
        sql.execute(
            "insert into properties (tenant_id, id, name, time_zone, max_guests, created_at) \
             values ($1, $2, 'House', 'Europe/Berlin', 4, now())",
            &[&tenant, &HARBOUR_LOFT],
        )
        .await
        .unwrap();
    }
    for tenant in [demo::OTHER_TENANT, THIRD, FOURTH].into_iter().chain(SLOW) {
        sql.execute(
            "insert into identity.memberships (tenant_id, user_id, role, created_at) \
             select $1, id, 'manager', now() from identity.users where email = $2 on conflict do nothing",
            &[&tenant, &demo::MANAGER],
        )
        .await
        .unwrap();
    }
}

impl Crowd {
    /// Approves together, while two batches are under way: as many as there may be.
    async fn across(&self, days: i32, asks: &[(Uuid, Uuid)]) -> Vec<Answer> {
        let asks: Vec<Ask<'_>> =
            asks.iter().map(|(tenant, id)| Ask { tenant: *tenant, ..self.ask(*id) }).collect();
        let [before, calls] = self.gather_after(&[&SLOW[..1], &[SLOW[1]; 4]], days, &asks).await;
        self.release(before).await;
        join_all(calls).await.into_iter().map(Result::unwrap).collect()
    }

    /// Which tenants have booked requests with this id: their bookings, ranges and events.
    async fn booked_by(&self, request: Uuid) -> Vec<[Uuid; 3]> {
        let rows = "select b.tenant_id, i.tenant_id, e.tenant_id from bookings b \
            join inventory_ranges i on i.source_id = b.id and i.state = 'active' \
            join booking_events e on e.booking_id = b.id and e.action = 'approved' \
            where b.booking_request_id = $1 and b.status = 'confirmed' order by b.tenant_id";
        let rows = self.fixture.sql.query(rows, &[&request]).await.unwrap();
        rows.iter().map(|row| [row.get(0), row.get(1), row.get(2)]).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tenants_with_few_calls_share_a_transaction_and_nothing_else() {
    let crowd = Crowd::start().await;
    join_tenants(&crowd).await;
    let fixture = &crowd.fixture;
    let open = async |tenant: Uuid, from: i32| fixture.open_request(tenant, GUEST, from, from + 2).await;
    let (mine, foreign) = (open(demo::OTHER_TENANT, 100).await, open(demo::TENANT, 100).await);
    let pair = [open(THIRD, 100).await, open(THIRD, 110).await];
    let (plain, sold) = (open(FOURTH, 100).await, open(FOURTH, 120).await);
    let overlaps = fixture.open_request(FOURTH, STRANGER, 121, 123).await;
    let ask = Ask { tenant: FOURTH, ..crowd.ask(sold) };
    crowd.approve(&ask).await.unwrap().ok();
    // Other programs make ids as they like.
    let [shared, twin] = [open(THIRD, 130).await, open(demo::OTHER_TENANT, 130).await];
    fixture.execute("update booking_requests set id = $2 where id = $1", &[&twin, &shared]).await;

    let asks = [
        (demo::OTHER_TENANT, mine),
        (demo::OTHER_TENANT, foreign),
        // Of a tenant whose calls are in the same transaction.
        (THIRD, plain),
        (THIRD, pair[0]),
        (THIRD, pair[1]),
        (FOURTH, plain),
        (FOURTH, overlaps),
        (THIRD, shared),
        (demo::OTHER_TENANT, shared),
    ];
    let answers = crowd.across(900, &asks).await;
    for ((tenant, id), answer) in asks.iter().zip(&answers) {
        if *id == foreign || (*tenant, *id) == (THIRD, plain) {
            answer.refused(404, "BOOKING_REQUEST_NOT_FOUND");
        } else if *id == overlaps {
            answer.refused(409, "BOOKING_OVERLAP");
        } else {
            assert_eq!(answer.ok()["outcome"], "approved", "{tenant} {id}");
            assert_eq!(answer.body["booking_request_id"], Json::from(id.to_string()));
        }
    }
    let together = crowd.transactions(&[mine, pair[0], pair[1], plain, shared]).await;
    assert!(together <= 2, "{together} transactions");
    for (tenant, id) in [(demo::OTHER_TENANT, mine), (THIRD, pair[0]), (THIRD, pair[1]), (FOURTH, plain)] {
        assert_eq!(crowd.booked_by(id).await, [[tenant; 3]]);
    }
    let mut both = [demo::OTHER_TENANT, THIRD];
    both.sort_unstable();
    assert_eq!(crowd.booked_by(shared).await, both.map(|tenant| [tenant; 3]));
    for id in [foreign, overlaps] {
        assert!(crowd.booked_by(id).await.is_empty());
    }
}

/// A row that the database refuses costs those of other tenants a second attempt, and
/// never their answer.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_database_refuses_of_one_tenant_is_approved_of_the_others() {
    let crowd = Crowd::start().await;
    join_tenants(&crowd).await;
    let fixture = &crowd.fixture;
    let refuse = "create function refuse() returns trigger language plpgsql as $$ begin \
         raise exception 'no' using errcode = '23514', constraint = 'of_another_program'; end $$; \
         create trigger refuse before insert on bookings for each row \
         when (new.guest_id = '00000000-0000-0000-0000-000000000042') execute function refuse()";
    fixture.sql.batch_execute(refuse).await.unwrap();
    let poisoned = fixture.open_request(FOURTH, 0x42, 100, 101).await;
    let mut asks = vec![(FOURTH, poisoned)];
    for (tenant, from) in [(THIRD, 100), (THIRD, 110), (FOURTH, 110), (demo::OTHER_TENANT, 100)] {
        asks.push((tenant, fixture.open_request(tenant, GUEST, from, from + 1).await));
    }
    let answers = crowd.across(900, &asks).await;
    assert_ne!(answers[0].status, 200);
    assert!(crowd.booked_by(poisoned).await.is_empty());
    for ((tenant, id), answer) in asks.iter().zip(&answers).skip(1) {
        assert_eq!(answer.ok()["outcome"], "approved");
        assert_eq!(crowd.booked_by(*id).await, [[*tenant; 3]]);
    }
}
