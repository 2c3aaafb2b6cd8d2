//! The numbers of events are on disk before they are heard.

use std::time::Duration;

use frontdesk::demo;
use frontdesk_proto::booking::v1::WatchBookingRequestsRequest;
use frontdesk_proto::booking::v1::booking_request_service_client::BookingRequestServiceClient;
use identity::Policy;
use tokio::time::timeout;

use super::crashes::{Victim, login, seeded};
use crate::fixture::{Layout, case, channel, signed, system};

/// Events that come together.
const MANY: usize = 20;

#[tokio::test(flavor = "multi_thread")]
async fn what_was_heard_keeps_its_number_in_a_crash_even_if_no_change_came_after_it() {
    access::install_crypto();
    let mut victim = Victim::start().await;
    let url = seeded(&victim, Layout::Standard).await;
    let system = system(&url, Policy::default()).await;
    let token = login(&system).await;
    let sql = pg::connect(&url).await.unwrap();
    let mut api = BookingRequestServiceClient::new(channel(system.booking));
    let watch = signed(WatchBookingRequestsRequest::default(), &token);
    let mut stream = api.watch_booking_requests(watch).await.unwrap().into_inner();
    // Another program writes, and says so: no change of a service has the log flushed.
    for _ in 0..4 {
        let written = format!(
            "begin; insert into booking_events (tenant_id, id, at, booking_request_id, action) \
             select '{}', gen_random_uuid(), now(), '{}', 'repriced' from generate_series(1, {MANY}); \
             notify frontdesk_booking_events; commit",
            demo::TENANT,
            case("DECLINED"),
        );
        sql.batch_execute(&written).await.unwrap();
        let mut heard = 0;
        while heard < MANY {
            let message = timeout(Duration::from_secs(10), stream.message()).await.unwrap().unwrap();
            heard += usize::from(message.unwrap().event.is_some());
        }
    }
    victim.kill().await;
    // Whoever still watched would give numbers anew.
    drop(stream);
    system.stop().await.unwrap();
    victim.start_again().await;
    let sql = pg::connect(&url).await.unwrap();
    let kept = "select count(*), count(number) from booking_events where action = 'repriced'";
    let kept = sql.query_one(kept, &[]).await.unwrap();
    assert_eq!((kept.get::<_, i64>(0), kept.get::<_, i64>(1)), (80, 80));
}
