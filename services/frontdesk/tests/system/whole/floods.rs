//! One tenant's flood of calls: what is beyond its part is refused at once, and others
//! notice nothing. Counted, not timed: what the flood waits for comes when the test says.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use frontdesk::demo;
use futures::future::join_all;
use reqwest::Method;

use crate::fixture::{Answer, Fixture, path_of};

const POOL: usize = 8;
/// Of it, the connections that one tenant has, and the calls that wait then.
const AT_ONCE: usize = 6;
const WAITING: usize = 64;
const FLOOD: usize = 120;
/// What is beyond that.
const BEYOND: usize = FLOOD - WAITING - AT_ONCE;

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_reads_is_shed_and_leaves_others_their_calls() {
    let fixture = Fixture::start().await;
    let (token, other) = (fixture.manager().await, fixture.token(demo::OTHER_OWNER).await);
    let id = fixture.open_request(demo::TENANT, 901, 400, 402).await;
    let theirs = fixture.open_request(demo::OTHER_TENANT, 902, 400, 402).await;
    // Whoever reads a request of the tenant waits for the lock.
    let slow = format!(
        "create policy slow on booking_requests as restrictive for select using (case \
         when tenant_id <> '{}' then true else pg_advisory_xact_lock_shared(7) is not null end)",
        demo::TENANT
    );
    fixture.sql.batch_execute(&slow).await.unwrap();
    fixture.get(&path_of(id, ""), &token).await.ok();
    fixture.get(&path_of(theirs, ""), &other).await.ok();
    fixture.sql.batch_execute("select pg_advisory_lock(7)").await.unwrap();

    let shed = Arc::new(AtomicUsize::new(0));
    let flood = join_all((0..FLOOD).map(async |_| {
        let answer = fixture.get(&path_of(id, ""), &token).await;
        if answer.status != 200 {
            answer.refused(503, "OVERLOADED");
            assert_eq!(answer.headers["retry-after"], "1");
            // The service's refusal, or the gateway's, which has heard of others.
            let waits_for = answer.body["metadata"]["waits_for"].as_str().unwrap();
            assert!(["a connection to the database", "the service"].contains(&waits_for), "{waits_for}");
            shed.fetch_add(1, Ordering::Relaxed);
        }
    }));
    let others = async {
        let waiting = "select count(*) from pg_stat_activity where wait_event_type = 'Lock' \
            and application_name = 'frontdesk-booking' and datname = current_database()";
        let at_once = i64::try_from(AT_ONCE).unwrap();
        let until_it_waits = async {
            while fixture.count(waiting, &[]).await < at_once || shed.load(Ordering::Relaxed) < BEYOND {
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(2), until_it_waits)
            .await
            .expect("the flood waits");
        for _ in 0..10 {
            fixture.get(&path_of(theirs, ""), &other).await.ok();
            fixture.get("/v1/properties", &other).await.ok();
            Answer::of(fixture.request(Method::GET, "/readyz")).await.ok();
        }
        // Nobody else's call has taken the flood's places, or it theirs.
        assert_eq!(fixture.count(waiting, &[]).await, at_once);
        fixture.sql.batch_execute("select pg_advisory_unlock(7)").await.unwrap();
    };
    tokio::join!(flood, others);
    // What the process did for itself meanwhile may have had some of its places.
    let shed = shed.load(Ordering::Relaxed);
    assert!((BEYOND..=BEYOND + POOL).contains(&shed), "{shed} were refused");
}
