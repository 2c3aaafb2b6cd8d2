//! Approvals that go together: each call gets its own answer, whatever the others ask
//! for, and what is stored is what the same calls store one after the other.

use std::time::Duration;

use frontdesk::demo;
use futures::future::join_all;
use serde_json::{Value as Json, json};
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::feed_order::assert_causal;
use super::help::crowd::{Ask, Crowd, SLOW_IN_LOT};
use super::help::foreign::{Foreign, GUEST, STRANGER, link, mark, range};
use super::help::rival::Rival;
use super::help::watcher::Watcher;
use crate::fixture::{Answer, Fixture, LAKE_HOUSE, path_of};
use crate::waits::until_so;

/// Requests of every kind.
struct Mixed {
    plain: Vec<Uuid>,
    /// Two that share nights.
    rivals: [Uuid; 2],
    /// One whose nights are sold.
    overlaps: Uuid,
    healed: Uuid,
    linked: Uuid,
    /// The booking that it is linked to.
    sold: Uuid,
    confirmed: Uuid,
    declined: Uuid,
    past: Uuid,
    foreign: Uuid,
    missing: Uuid,
}

impl Mixed {
    async fn store(crowd: &Crowd) -> Self {
        let fixture = &crowd.fixture;
        let mut plain = Vec::new();
        for n in 0..18 {
            plain.push(crowd.open(10, 100 + 3 * n, 102 + 3 * n).await);
        }
        let sold = Foreign::sold(STRANGER, 210, 214).store(fixture).await.unwrap();
        let (healed, linked) = (crowd.open(GUEST, 220, 222).await, crowd.open(STRANGER, 210, 214).await);
        mark(fixture, healed).await;
        link(fixture, linked, sold).await;
        let (confirmed, declined) = (crowd.open(GUEST, 240, 242).await, crowd.open(GUEST, 250, 252).await);
        fixture.post(&path_of(confirmed, "/approve"), &crowd.token, &json!({})).await.ok();
        let decline = json!({"decline_reason": "x"});
        fixture.post(&path_of(declined, "/decline"), &crowd.token, &decline).await.ok();
        Self {
            plain,
            rivals: [crowd.open(GUEST, 200, 205).await, crowd.open(STRANGER, 203, 206).await],
            overlaps: crowd.open(GUEST, 212, 215).await,
            healed,
            linked,
            sold,
            confirmed,
            declined,
            past: crowd.open(GUEST, -5, -3).await,
            foreign: fixture.open_request(demo::OTHER_TENANT, GUEST, 100, 102).await,
            missing: Uuid::now_v7(),
        }
    }

    /// Those that are not plain; some are asked for twice, as is a plain one by and by.
    fn others(&self) -> [Uuid; 14] {
        let Self { rivals: [one, other], confirmed, .. } = *self;
        let Self { overlaps, healed, linked, declined, past, foreign, missing, .. } = *self;
        let twice = self.plain[0];
        [
            one, other, overlaps, healed, linked, twice, twice, confirmed, declined, past, foreign, missing,
            confirmed, confirmed,
        ]
    }

    /// What each of these is answered; `of` are the answers for a request.
    fn assert_answers<'a>(&self, of: impl Fn(Uuid) -> Vec<&'a Answer>) {
        let mut of_rivals = self.rivals.map(|id| of(id)[0].status);
        of_rivals.sort_unstable();
        assert_eq!(of_rivals, [200, 409]);
        of(self.overlaps)[0].refused(409, "BOOKING_OVERLAP");
        assert_eq!(of(self.overlaps)[0].body["metadata"]["conflict_kind"], "booking");
        for (id, evidence) in [(self.healed, "confirmed_at_set"), (self.linked, "approved_booking_confirmed")]
        {
            let healed = of(id)[0];
            assert_eq!(
                (&healed.ok()["outcome"], &healed.body["evidence"]),
                (&json!("healed"), &json!(evidence))
            );
        }
        assert_eq!(of(self.linked)[0].body["booking_id"], json!(self.sold));
        let outcomes = |id: Uuid| -> Vec<&Json> {
            let mut outcomes: Vec<&Json> = of(id).into_iter().map(|answer| &answer.ok()["outcome"]).collect();
            outcomes.sort_unstable_by_key(|outcome| outcome.as_str());
            outcomes
        };
        assert_eq!(outcomes(self.plain[0]), ["already_approved", "already_approved", "approved"]);
        assert_eq!(outcomes(self.confirmed), ["already_approved"; 3]);
        of(self.declined)[0].refused(409, "INVALID_TRANSITION");
        of(self.past)[0].refused(422, "STAY_IN_THE_PAST");
        for id in [self.foreign, self.missing] {
            of(id)[0].refused(404, "BOOKING_REQUEST_NOT_FOUND");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_32_callers_at_once_each_gets_its_own_answer() {
    let crowd = Crowd::start().await;
    let fixture = &crowd.fixture;
    let owner = fixture.token(demo::OWNER).await;
    let mixed = Mixed::store(&crowd).await;
    let plain = &mixed.plain;
    let mut asks: Vec<Ask<'_>> = mixed.others().iter().map(|id| crowd.ask(*id)).collect();
    let notes: Vec<String> = (0..plain.len()).map(|n| format!("note {n}")).collect();
    for (n, (id, note)) in plain.iter().zip(&notes).enumerate() {
        let token = if n % 2 == 0 { &crowd.token } else { &owner };
        asks.insert(n * 2 % asks.len(), Ask { token, note, ..crowd.ask(*id) });
    }
    assert_eq!(asks.len(), 32);
    let answers = crowd.together(900, &asks).await;
    let of = |id: Uuid| -> Vec<&Answer> {
        asks.iter().zip(&answers).filter(|(ask, _)| ask.id == id).map(|(_, answer)| answer).collect()
    };
    mixed.assert_answers(of);
    let transactions = crowd.transactions(plain).await;
    assert!(transactions <= 9, "{transactions} transactions for {}", plain.len());
    crowd.assert_approved_once(plain).await;
    let people = [fixture.user_id(demo::MANAGER).await, fixture.user_id(demo::OWNER).await];
    for (n, id) in plain.iter().enumerate().skip(1) {
        let (answer, who) = (of(*id)[0].ok(), &people[n % 2]);
        assert_eq!((&answer["outcome"], &answer["booking_request_id"]), (&json!("approved"), &json!(id)));
        assert_eq!(
            (&answer["message"], &answer["coverage"]),
            (&json!("Booking request approved"), &json!("exact"))
        );
        let read = fixture.get(&path_of(*id, ""), &crowd.token).await;
        assert_eq!(read.ok()["approved_booking_id"], answer["booking_id"]);
        assert_eq!((&read.body["decided_by"], &read.body["internal_note"]), (&json!(who), &json!(notes[n])));
        let history = fixture.get(&path_of(*id, "/history"), &crowd.token).await;
        let event = &history.ok()["events"][0];
        assert_eq!((&event["kind"], &event["actor"]), (&json!("approved"), &json!(who)));
    }
    assert_eq!(fixture.get(&path_of(mixed.past, ""), &crowd.token).await.ok()["status"], "requested");
}

/// What the approvals of requests have stored, but for ids, times and the house.
async fn stored(fixture: &Fixture, ids: &[Uuid], of: i32) -> Vec<Json> {
    let sql = "select to_jsonb(r), to_jsonb(b), to_jsonb(i), to_jsonb(e) from booking_requests r \
        join bookings b on b.booking_request_id = r.id join inventory_ranges i on i.source_id = b.id \
        join booking_events e on e.booking_request_id = r.id where r.id = $1";
    let mut rows = Vec::new();
    for id in ids {
        let found = fixture.sql.query(sql, &[id]).await.unwrap();
        assert_eq!(found.len(), 1, "{of}: {id}");
        let mut parts: Vec<Json> = (0..4).map(|column| found[0].get(column)).collect();
        let [request, booking, range, event] = &parts[..] else { panic!("four parts") };
        assert_eq!(request["approved_booking_id"], booking["id"]);
        assert_eq!((&range["source_id"], &event["booking_id"]), (&booking["id"], &booking["id"]));
        // All that is recorded happened at once, after the request was made.
        for time in [
            &request["updated_at"],
            &booking["confirmed_at"],
            &booking["created_at"],
            &range["created_at"],
            &event["at"],
        ] {
            assert_eq!(*time, request["confirmed_at"]);
        }
        assert!(request["updated_at"].as_str() > request["created_at"].as_str());
        for part in &mut parts {
            part.as_object_mut().unwrap().retain(|name, _| {
                let own = name == "id" || name.ends_with("_id") && name != "actor_id" && name != "decider_id";
                let when = name == "at"
                    || name.ends_with("_at")
                    || name.contains("check_")
                    || name.ends_with("_date");
                !own && !when && !["tick", "number", "position"].contains(&&**name)
            });
        }
        rows.push(Json::from(parts));
    }
    rows
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_stored_is_what_the_same_calls_store_one_by_one() {
    let crowd = Crowd::start().await;
    let fixture = &crowd.fixture;
    let has_note = "update booking_requests set internal_note = 'before' where id = $1";
    let reviewed = "update booking_requests set status = 'under_review', row_version = 4 where id = $1";
    let watcher = Watcher::start(fixture.system.booking, &crowd.token);
    let mut sides = [Vec::new(), Vec::new()];
    for (ids, days) in sides.iter_mut().zip([100, 200]) {
        for n in 0..6 {
            let id = crowd.open(10, days + n, days + n + 1).await;
            for (change, of) in [(has_note, n % 2 == 0), (reviewed, n % 3 == 0)] {
                if of {
                    fixture.execute(change, &[&id]).await;
                }
            }
            ids.push(id);
        }
    }
    let [together, alone] = sides;
    let notes = ["", "a", "b\nc", "d", "e", ""];
    let of = |ids: &[Uuid]| -> Vec<Ask<'_>> {
        ids.iter().zip(notes).map(|(id, note)| Ask { note, ..crowd.ask(*id) }).collect()
    };
    let answers = crowd.together(900, &of(&together)).await;
    assert!(crowd.transactions(&together).await <= 3);
    assert_eq!(crowd.transactions(&alone).await, 0);
    let mut one_by_one = Vec::new();
    for ask in of(&alone) {
        one_by_one.push(crowd.approve(&ask).await.unwrap());
    }
    let stored = [stored(fixture, &together, 1).await, stored(fixture, &alone, 2).await];
    assert_eq!(stored[0], stored[1]);
    let said = |answers: &[Answer]| -> Vec<Json> {
        let strip = |answer: &Answer| {
            let mut body = answer.ok().clone();
            body.as_object_mut().unwrap().retain(|name, _| !name.ends_with("_id"));
            body["fulfilment"]["booking_id"].take();
            for end in ["check_in", "check_out"] {
                body["fulfilment"][end].take();
            }
            body
        };
        answers.iter().map(strip).collect()
    };
    assert_eq!(said(&answers), said(&one_by_one));
    watcher.has_heard_everything(&fixture.sql).await;
    assert_causal(&fixture.sql).await;
}

/// A row that the database refuses, and a block in the way, which the constraint of ranges
/// finds, cost all that went together a second attempt, and nobody but themselves an answer.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_database_refuses_costs_itself_alone() {
    let crowd = Crowd::start().await;
    let fixture = &crowd.fixture;
    let mut plain = Vec::new();
    for n in 0..8 {
        plain.push(crowd.open(10, 100 + n, 101 + n).await);
    }
    let (poisoned, blocked) = (crowd.open(66, 120, 121).await, crowd.open(10, 130, 133).await);
    assert!(range(fixture, LAKE_HOUSE, None, 131, 132).await);
    fixture
        .sql
        .batch_execute(
            "create function refuse() returns trigger language plpgsql as $$ begin \
             raise exception 'no' using errcode = '23514', constraint = 'of_another_program'; end $$; \
             create trigger refuse before insert on bookings for each row \
             when (new.guest_id = '00000000-0000-0000-0000-000000000042') execute function refuse()",
        )
        .await
        .unwrap();
    let rows = async |id: Uuid| {
        let row = "select to_jsonb(r) from booking_requests r where id = $1";
        fixture.sql.query_one(row, &[&id]).await.unwrap().get::<_, Json>(0)
    };
    let before = [rows(poisoned).await, rows(blocked).await];
    for (days, bad) in [(900, poisoned), (910, blocked)] {
        let (mine, rest) = plain.split_at(4);
        let mine = if bad == poisoned { mine } else { rest };
        let asks: Vec<Ask<'_>> = mine.iter().chain([&bad]).map(|id| crowd.ask(*id)).collect();
        let answers = crowd.together(days, &asks).await;
        for answer in &answers[..4] {
            assert_eq!(answer.ok()["outcome"], "approved");
        }
        let alone = fixture.post(&path_of(bad, "/approve"), &crowd.token, &json!({})).await;
        assert_ne!(alone.status, 200);
        let refused =
            |answer: &Answer| (answer.status, answer.body["code"].clone(), answer.body["detail"].clone());
        assert_eq!(refused(&answers[4]), refused(&alone));
        crowd.assert_approved_once(mine).await;
    }
    assert_eq!([rows(poisoned).await, rows(blocked).await], before);
}

/// A connection that is lost while a batch is being stored: what Postgres says it has undone
/// is approved all the same, and where it says nothing, nor is anybody told that it was
/// stored. Whoever tries again then finds one approval.
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_lost_in_the_middle_loses_and_doubles_nothing() {
    let crowd = Crowd::start().await;
    let fixture = &crowd.fixture;
    let kill = "select pg_terminate_backend(pid) from pg_stat_activity where wait_event = 'PgSleep' \
        and datname = current_database()";
    for (days, is_told) in [(100, true), (200, false)] {
        let mut ids = vec![crowd.open(SLOW_IN_LOT, days, days + 1).await];
        for n in 1..9 {
            ids.push(crowd.open(10, days + n, days + n + 1).await);
        }
        crowd.set_gate(SLOW_IN_LOT, false).await;
        let asks: Vec<Ask<'_>> = ids.iter().map(|id| crowd.ask(*id)).collect();
        let [before, calls] = crowd.gather(900 + days, &asks).await;
        crowd.release(before).await;
        crowd.at_gate(1).await;
        if is_told {
            assert_eq!(fixture.sql.query(kill, &[]).await.unwrap().len(), 1);
        } else {
            crowd.relay.cut();
        }
        let answers =
            async { join_all(calls).await.into_iter().map(Result::unwrap).collect::<Vec<Answer>>() };
        let open = async {
            // What goes alone waits at the gate, too.
            tokio::time::sleep(Duration::from_millis(200)).await;
            crowd.set_gate(SLOW_IN_LOT, true).await;
        };
        let (answers, ()) = tokio::join!(answers, open);
        let unknown = answers.iter().filter(|answer| answer.body["code"] == "OUTCOME_UNKNOWN").count();
        if is_told {
            assert!(answers.iter().all(|answer| answer.ok()["outcome"] == "approved"));
        } else {
            assert_eq!(unknown, ids.len());
            for ask in &asks {
                crowd.approve(ask).await.unwrap().ok();
            }
        }
        crowd.assert_approved_once(&ids).await;
    }
}

/// Whoever goes away before the batch begins is not approved; who goes later may be, whole;
/// and those who stay are answered.
#[tokio::test(flavor = "multi_thread")]
async fn a_caller_who_goes_away_takes_nobody_along() {
    let crowd = Crowd::start().await;
    let mut ids = vec![crowd.open(SLOW_IN_LOT, 100, 101).await];
    for n in 1..9 {
        ids.push(crowd.open(10, 100 + n, 101 + n).await);
    }
    let asks: Vec<Ask<'_>> = ids.iter().map(|id| crowd.ask(*id)).collect();
    let [before, mut calls] = crowd.gather(900, &asks).await;
    let has_seen = async |left: usize| {
        until_so("the service has seen who left", async || crowd.under_way().await == left).await;
    };
    let early: Vec<JoinHandle<Answer>> = calls.split_off(6);
    early.iter().for_each(JoinHandle::abort);
    has_seen(before.len() + 6).await;
    crowd.release(before).await;
    crowd.at_gate(1).await;
    let late: Vec<JoinHandle<Answer>> = calls.split_off(4);
    late.iter().for_each(JoinHandle::abort);
    has_seen(4).await;
    crowd.set_gate(SLOW_IN_LOT, true).await;
    for call in calls {
        assert_eq!(call.await.unwrap().ok()["outcome"], "approved");
    }
    crowd.assert_approved_once(&ids[..4]).await;
    let still_open = "select count(*) from booking_requests where id = any ($1) and status = 'requested' and row_version = 1";
    assert_eq!(crowd.fixture.count(still_open, &[&&ids[6..]]).await, 3);
    for ask in &asks[4..] {
        crowd.approve(ask).await.unwrap().ok();
    }
    crowd.assert_approved_once(&ids).await;
}

/// A request that somebody has locked, and nights that somebody is about to sell, keep the
/// others of the tenant waiting for a moment at most.
#[tokio::test(flavor = "multi_thread")]
async fn what_others_have_locked_keeps_nobody_else_waiting() {
    let crowd = Crowd::start().await;
    let fixture = &crowd.fixture;
    let (locked, contested) = (crowd.open(10, 100, 101).await, crowd.open(10, 110, 112).await);
    let mut plain = Vec::new();
    for n in 0..6 {
        plain.push(crowd.open(10, 120 + n, 121 + n).await);
    }
    for (days, waits) in [(900, locked), (910, contested)] {
        let rival = Rival::begin(fixture).await;
        if waits == locked {
            rival.lock("booking_requests", locked).await;
        } else {
            rival.insert_booking(STRANGER, 111, 113).await;
        }
        let (mine, rest) = plain.split_at(3);
        let mine = if waits == locked { mine } else { rest };
        let asks: Vec<Ask<'_>> = [&waits].into_iter().chain(mine).map(|id| crowd.ask(*id)).collect();
        let [before, mut calls] = crowd.gather(days, &asks).await;
        crowd.release(before).await;
        let first = calls.remove(0);
        for call in calls {
            assert_eq!(call.await.unwrap().ok()["outcome"], "approved");
        }
        assert!(!first.is_finished());
        crowd.assert_approved_once(mine).await;
        rival.blocks(fixture, 1).await;
        rival.roll_back().await;
        assert_eq!(first.await.unwrap().ok()["outcome"], "approved");
    }
    crowd.assert_approved_once(&[locked, contested]).await;
}
