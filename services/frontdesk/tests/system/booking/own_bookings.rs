//! A booking of the request itself that another program stores while an approval waits: it
//! is locked before anything is decided by it.

use frontdesk::demo;
use serde_json::json;
use tokio_postgres::error::SqlState;

use super::help::rival::Rival;
use crate::fixture::{Fixture, path_of};

/// What an approval stores last waits at this gate.
const GATE: &str = "create function public.gate() returns trigger language plpgsql as \
    $$ begin perform pg_advisory_xact_lock(4221); return new; end $$; \
    create trigger gate before insert on booking_events for each row execute function public.gate()";

#[tokio::test]
async fn what_comes_during_a_wait_is_locked_before_it_decides() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let id = fixture.open_request(demo::TENANT, 1, 300, 305).await;
    let stored = Rival::begin(&fixture).await;
    let in_the_way = stored.insert_booking(2, 302, 304).await;
    stored.commit().await;
    fixture.sql.batch_execute(GATE).await.unwrap();
    let gate = Rival::begin(&fixture).await;
    gate.sql.batch_execute("select pg_advisory_xact_lock(4221)").await.unwrap();

    let rival = Rival::begin(&fixture).await;
    let cancel = "update bookings set status = 'cancelled' where id = $1";
    rival.sql.execute(cancel, &[&in_the_way]).await.unwrap();
    let own = rival.insert_booking(1, 300, 305).await;
    let make_own = "update bookings set booking_request_id = $1 where id = $2";
    rival.sql.execute(make_own, &[&id, &own]).await.unwrap();
    let meanwhile = async {
        rival.blocks(&fixture, 1).await;
        rival.commit().await;
        // It has decided, and is about to store that.
        gate.blocks(&fixture, 1).await;
        let other = Rival::begin(&fixture).await;
        other.sql.batch_execute("set local lock_timeout = '200ms'").await.unwrap();
        let refused = other.sql.execute(cancel, &[&own]).await;
        gate.roll_back().await;
        refused
    };
    let approve = async { fixture.post(&path_of(id, "/approve"), &token, &json!({})).await };
    let (answer, refused) = tokio::join!(approve, meanwhile);
    assert_eq!(answer.ok()["booking_id"], own.to_string());
    assert_eq!(refused.unwrap_err().code(), Some(&SqlState::LOCK_NOT_AVAILABLE), "nobody keeps it as it is");
}
