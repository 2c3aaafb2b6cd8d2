//! Many at once, and an invariant afterwards.

use frontdesk::demo;
use futures::future::join_all;
use serde_json::json;

use crate::fixture::{Fixture, LAKE_HOUSE, path_of};

const CLIENTS: u32 = 32;

/// Bookings that hold the same night of the same property.
const OVERLAPS: &str = "select count(*) from bookings a join bookings b \
    on a.tenant_id = b.tenant_id and a.property_id = b.property_id and a.id < b.id \
    and daterange(a.check_in, a.check_out) && daterange(b.check_in, b.check_out) \
    where a.status not in ('cancelled', 'declined', 'no_show') and b.status not in ('cancelled', 'declined', 'no_show')";

#[tokio::test(flavor = "multi_thread")]
async fn of_32_competing_requests_exactly_one_is_approved() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    for round in 0..3 {
        let mut requests = Vec::new();
        for client in 0..CLIENTS {
            let day = 200 + round * 10 + i32::try_from(client % 3).unwrap();
            // Stays that share at least one night.
            requests.push(fixture.open_request(demo::TENANT, client, day, 204 + round * 10).await);
        }
        let answers = join_all(requests.iter().map(async |id| fixture.approve(&token, *id).await)).await;
        let won = answers.iter().filter(|answer| answer.status == 200).count();
        assert_eq!(won, 1);
        for answer in answers.iter().filter(|answer| answer.status != 200) {
            answer.refused(409, "BOOKING_OVERLAP");
        }
    }
    assert_eq!(fixture.count(OVERLAPS, &[]).await, 0);
    let deadlocks = "select deadlocks from pg_stat_database where datname = current_database()";
    assert_eq!(fixture.count(deadlocks, &[]).await, 0);
    let halves = "select count(*) from booking_requests r where r.status = 'confirmed' and r.property_id = $1 and not exists \
        (select from inventory_ranges i where i.source_id = r.approved_booking_id and i.state = 'active')";
    assert_eq!(fixture.count(halves, &[&LAKE_HOUSE]).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_request_approved_by_32_clients_becomes_one_booking() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let id = fixture.open_request(demo::TENANT, 1, 200, 204).await;
    let answers = join_all((0..CLIENTS).map(async |_| fixture.approve(&token, id).await)).await;
    let first = answers[0].ok()["booking_id"].clone();
    assert!(answers.iter().all(|answer| answer.ok()["booking_id"] == first));
    assert_eq!(answers.iter().filter(|answer| answer.body["outcome"] == "approved").count(), 1);
    let bookings = "select count(*) from bookings where booking_request_id = $1";
    assert_eq!(fixture.count(bookings, &[&id]).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn approve_against_decline_has_one_winner() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    for round in 0..8 {
        let id = fixture.open_request(demo::TENANT, 1, 300 + round * 5, 304 + round * 5).await;
        let answers = join_all((0..CLIENTS).map(async |client| {
            if client % 2 == 0 {
                fixture.approve(&token, id).await
            } else {
                fixture.post(&path_of(id, "/decline"), &token, &json!({"decline_reason": "x"})).await
            }
        }))
        .await;
        let status = fixture.get(&path_of(id, ""), &token).await.ok()["status"].clone();
        let declined = answers.iter().filter(|answer| answer.body["status"] == "declined").count();
        if status == "declined" {
            assert_eq!(declined, 1);
        } else {
            assert_eq!((status.as_str(), declined), (Some("confirmed"), 0));
        }
        for answer in answers.iter().filter(|answer| answer.status != 200) {
            answer.refused(409, "INVALID_TRANSITION");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_tenants_do_not_see_each_other_under_load() {
    let fixture = Fixture::start().await;
    let tokens = [fixture.manager().await, fixture.token(demo::OTHER_OWNER).await];
    let tenants = [demo::TENANT, demo::OTHER_TENANT];
    let mut requests = Vec::new();
    for client in 0..CLIENTS {
        let side = (client % 2) as usize;
        requests.push((side, fixture.open_request(tenants[side], client, 200, 204).await));
    }
    let answers = join_all(requests.iter().map(async |(side, id)| {
        let own = fixture.post(&path_of(*id, "/approve"), &tokens[*side], &json!({})).await;
        let foreign = fixture.get(&path_of(*id, ""), &tokens[1 - side]).await;
        foreign.refused(404, "BOOKING_REQUEST_NOT_FOUND");
        (*side, own)
    }))
    .await;
    for side in 0..2 {
        let won = answers.iter().filter(|(of, answer)| *of == side && answer.status == 200).count();
        assert_eq!(won, 1, "tenant {side}");
    }
    for (_, answer) in answers.iter().filter(|(_, answer)| answer.status != 200) {
        answer.refused(409, "BOOKING_OVERLAP");
    }
    assert_eq!(fixture.count(OVERLAPS, &[]).await, 0);
}
