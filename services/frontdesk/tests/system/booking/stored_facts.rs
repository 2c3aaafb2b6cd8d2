//! An approve does what its explanation says in every combination of facts, as rows
//! that other programs have written, in every layout.

use frontdesk::demo;
use serde_json::json;
use uuid::Uuid;

use super::help::foreign::{CHALET, Foreign, GUEST, STRANGER, range};
use crate::fixture::{Answer, Fixture, LAKE_HOUSE, Layout, path_of};

/// The last two belong to the request and say nothing of its nights.
const RANGES: [&str; 7] = ["none", "block", "own", "own in two", "nobody's", ELSEWHERE, ANOTHER_YEAR];
const ELSEWHERE: &str = "elsewhere";
const ANOTHER_YEAR: &str = "another year";

/// The facts of a stored world, each beside nights of its own.
#[derive(Debug, Clone, Copy)]
struct World {
    link: Option<Foreign>,
    rival: Option<Foreign>,
    marked: bool,
    ranges: &'static str,
}

fn worlds() -> Vec<World> {
    let own = Foreign::sold(GUEST, 0, 5);
    let cancelled = Foreign { status: "cancelled", ranged: false, ..own };
    let links = [
        None,
        Some(own),
        Some(Foreign::sold(GUEST, 3, 8)),
        Some(cancelled),
        // Cancelled by a program that leaves the range.
        Some(Foreign { ranged: true, ..cancelled }),
        Some(Foreign { property: CHALET, ..own }),
        Some(Foreign { property: CHALET, ..Foreign::sold(STRANGER, 0, 5) }),
        Some(Foreign::sold(STRANGER, 8, 9)),
    ];
    let rivals = [
        None,
        Some(Foreign::sold(STRANGER, 2, 7)),
        Some(Foreign { ranged: false, ..Foreign::sold(GUEST, 1, 4) }),
        Some(Foreign { status: "requested", ranged: false, ..Foreign::sold(GUEST, 1, 4) }),
    ];
    let mut worlds = Vec::new();
    for link in links {
        for rival in rivals {
            for marked in [false, true] {
                for ranges in RANGES {
                    worlds.push(World { link, rival, marked, ranges });
                }
            }
        }
    }
    worlds
}

impl World {
    /// The request; `None` when the constraints do not let the rows exist.
    async fn store(&self, fixture: &Fixture, day: i32) -> Option<Uuid> {
        let at = |foreign: Foreign| Foreign {
            nights: (day + foreign.nights.0, day + foreign.nights.1),
            ..foreign
        };
        if let Some(rival) = self.rival {
            at(rival).store(fixture).await?;
        }
        let linked = match self.link {
            Some(foreign) => Some(at(foreign).store(fixture).await?),
            None => None,
        };
        let (id, guest) = (Uuid::now_v7(), Uuid::from_u128(u128::from(GUEST)));
        let insert = format!(
            "insert into {} (tenant_id, id, property_id, guest_id, check_in, check_out, status, guest_count, \
             approved_booking_id, confirmed_at, created_at, updated_at) values ($1, $2, $3, $4, \
             current_date + $5::integer, current_date + $6::integer, 'requested', 1, $7, \
             case when $8 then now() end, now(), now()) on conflict do nothing",
            fixture.layout.requests()
        );
        let values: [&(dyn tokio_postgres::types::ToSql + Sync); 8] =
            [&demo::TENANT, &id, &LAKE_HOUSE, &guest, &day, &(day + 5), &linked, &self.marked];
        let stored = fixture.execute(&insert, &values).await == 1;
        let ranged = match self.ranges {
            "block" => range(fixture, LAKE_HOUSE, None, day + 4, day + 6).await,
            "own" => range(fixture, LAKE_HOUSE, Some(id), day, day + 5).await,
            "own in two" => {
                range(fixture, LAKE_HOUSE, Some(id), day, day + 2).await
                    && range(fixture, LAKE_HOUSE, Some(id), day + 2, day + 5).await
            }
            "nobody's" => range(fixture, LAKE_HOUSE, Some(Uuid::now_v7()), day + 4, day + 5).await,
            ELSEWHERE => range(fixture, CHALET, Some(id), day, day + 5).await,
            ANOTHER_YEAR => range(fixture, LAKE_HOUSE, Some(id), day + 9000, day + 9005).await,
            _ => true,
        };
        (stored && ranged).then_some(id)
    }
}

/// Nobody frees what is not asked for, and what is sold has its nights.
async fn keeps_its_range(fixture: &Fixture, id: Uuid, approved: &Answer, told: &str) {
    assert_ne!(approved.body["evidence"], "inventory_active", "{told}");
    let ranges = "select count(*) from inventory_ranges where state = 'active' and source_id = $1";
    let booking: Uuid = approved.body["booking_id"].as_str().unwrap().parse().unwrap();
    let expected = if booking == id { 2 } else { 1 };
    assert_eq!(fixture.count(ranges, &[&id]).await, expected, "{told}");
    assert!(fixture.count(ranges, &[&booking]).await >= 1, "{told}");
}

async fn walk_worlds(layout: Layout) {
    let fixture = Fixture::start_in(layout).await;
    let token = fixture.manager().await;
    let customer = "insert into customers (tenant_id, id, name, email, phone, created_at) \
        values ($1, $2, 'Test Guest', '', '', now()) on conflict do nothing";
    fixture.execute(customer, &[&demo::TENANT, &Uuid::from_u128(u128::from(GUEST))]).await;
    let (mut granted, mut refused) = (0, 0);
    for (day, world) in (1000..).step_by(10).zip(worlds()) {
        let Some(id) = world.store(&fixture, day).await else { continue };
        let told = format!("{layout:?} {world:?}");
        let before = fixture.read(&token, id).await;
        let explained = fixture.get(&path_of(id, "/explain"), &token).await.ok().clone();
        let answer = fixture.approve(&token, id).await;
        let after = fixture.read(&token, id).await;
        if answer.status == 200 {
            granted += 1;
            assert_eq!(explained["would_succeed"], true, "{told}: {explained}");
            for field in ["outcome", "evidence", "message"] {
                assert_eq!(explained[field], answer.body[field], "{told} {field}");
            }
            for field in ["coverage", "uncovered"] {
                assert_eq!(explained["fulfilment"][field], answer.body["fulfilment"][field], "{told}");
            }
            assert_eq!(after["fulfilment"], answer.body["fulfilment"], "{told}");
            assert_ne!(after["fulfilment"]["coverage"], "none", "{told}");
            if [ELSEWHERE, ANOTHER_YEAR].contains(&world.ranges) {
                keeps_its_range(&fixture, id, &answer, &told).await;
            }
            let again = fixture.approve(&token, id).await;
            assert_eq!(again.ok()["outcome"], "already_approved", "{told}");
            assert_eq!(fixture.read(&token, id).await["etag"], after["etag"], "{told}");
            assert_eq!(again.body["fulfilment"], answer.body["fulfilment"], "{told}");
        } else {
            refused += 1;
            answer.refused(409, "BOOKING_OVERLAP");
            assert_eq!(explained["refusal_reason"], "BOOKING_OVERLAP", "{told}: {explained}");
            assert_eq!(explained["message"], answer.body["message"], "{told}");
            assert_eq!(explained["fulfilment"], before["fulfilment"], "{told}");
            assert_eq!(after, before, "{told}");
            assert_ne!(explained["conflicts"], json!([]), "{told}: {}", answer.body);
            // The way out: decline it, or clear what says that it is confirmed.
            let decline = json!({"decline_reason": "taken"});
            let declined = fixture.post(&path_of(id, "/decline"), &token, &decline).await;
            if declined.status == 409 {
                let linked = after["fulfilment"]["coverage"] != "none";
                let offers = declined.body["metadata"]["resolve"].is_string();
                assert!(linked || offers, "{told}: {}", declined.body);
            }
        }
        // And whatever it is, it can be cancelled.
        let cancelled = fixture.post(&path_of(id, "/cancel"), &token, &json!({})).await;
        assert!(cancelled.status == 200 || after["status"] != "confirmed", "{told}: {}", cancelled.body);
    }
    assert!(granted > 20 && refused > 5, "{layout:?}: {granted} granted, {refused} refused");
}

#[tokio::test]
async fn approve_and_explain_agree_on_all_stored_facts_in_the_standard_layout() {
    Box::pin(walk_worlds(Layout::Standard)).await;
}

#[tokio::test]
async fn approve_and_explain_agree_on_all_stored_facts_in_the_literal_layout() {
    Box::pin(walk_worlds(Layout::Literal)).await;
}

#[tokio::test]
async fn approve_and_explain_agree_on_all_stored_facts_in_the_confirmed_only_layout() {
    Box::pin(walk_worlds(Layout::ConfirmedOnly)).await;
}
