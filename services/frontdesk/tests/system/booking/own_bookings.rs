//! A booking of the request itself that another program stores while a decision waits: it
//! is locked before anything is decided by it, also one that is nothing else to the request.

use frontdesk::demo;
use serde_json::json;
use tokio_postgres::error::SqlState;

use super::help::rival::Rival;
use crate::fixture::Fixture;

/// What a decision stores last waits at this gate.
const GATE: &str = "create function public.gate() returns trigger language plpgsql as \
    $$ begin perform pg_advisory_xact_lock(4221); return new; end $$; \
    create trigger gate before insert on booking_events for each row execute function public.gate()";

#[tokio::test]
async fn what_comes_during_a_wait_is_locked_before_it_decides() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let id = fixture.open_request(demo::TENANT, 1, 300, 305).await;
    fixture.execute("update booking_requests set confirmed_at = now() where id = $1", &[&id]).await;
    let stored = Rival::begin(&fixture).await;
    let in_the_way = stored.insert_booking(2, 302, 304).await;
    stored.commit().await;
    fixture.sql.batch_execute(GATE).await.unwrap();
    let gate = Rival::begin(&fixture).await;
    gate.sql.batch_execute("select pg_advisory_xact_lock(4221)").await.unwrap();

    let rival = Rival::begin(&fixture).await;
    let cancel = "update bookings set status = 'cancelled' where id = $1";
    rival.sql.execute("update bookings set updated_at = now() where id = $1", &[&in_the_way]).await.unwrap();
    // On other nights.
    let own = rival.insert_booking(1, 320, 325).await;
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
    let resolve = format!("/v1/diagnostics/inconsistencies/{id}/resolve");
    let choice = json!({"choice": "clear_mark"});
    let (answer, refused) = tokio::join!(fixture.post(&resolve, &token, &choice), meanwhile);
    answer.ok();
    assert_eq!(refused.unwrap_err().code(), Some(&SqlState::LOCK_NOT_AVAILABLE), "nobody keeps it as it is");
}
