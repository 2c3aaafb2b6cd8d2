//! Streams of the feed, and what is done so that none pays for events of another part.

use std::fs;
use std::time::Duration;

use frontdesk_proto::booking::v1::WatchBookingRequestsRequest;
use frontdesk_proto::booking::v1::booking_request_service_client::BookingRequestServiceClient;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use upstream::Upstream;
use uuid::Uuid;

use super::harness::{Bench, signed};
use super::times::Times;

/// Sessions that streams are shared among.
const SESSIONS: usize = 20;
/// The thread that reads.
const THREAD: &str = "reads-streams";

/// Who reads streams, on a thread of their own, so that what reading takes is known apart
/// from what sending takes.
pub struct Readers(Runtime);

impl Readers {
    pub fn new() -> Self {
        let threads = Builder::new_multi_thread().worker_threads(1).thread_name(THREAD).enable_all().build();
        Self(threads.unwrap())
    }

    /// A stream of each of these tenants, read until it is dropped.
    pub async fn watch(&self, bench: &Bench, tenants: &[Uuid], times: &Times) -> JoinSet<()> {
        let mut sessions = Vec::new();
        for _ in 0..SESSIONS {
            sessions.push(bench.login().await);
        }
        let channels: Vec<Upstream> = (0..4).map(|_| bench.booking()).collect();
        let mut streams = JoinSet::new();
        for (number, tenant) in tenants.iter().copied().enumerate() {
            let mut api = BookingRequestServiceClient::new(channels[number % 4].clone());
            let call = signed(WatchBookingRequestsRequest::default(), &sessions[number % SESSIONS], tenant);
            let times = times.clone();
            let (is_open, open) = oneshot::channel();
            let read = async move {
                let mut stream = api.watch_booking_requests(call).await.unwrap().into_inner();
                is_open.send(()).unwrap();
                while let Ok(Some(message)) = stream.message().await {
                    if let Some(event) = message.event {
                        times.heard(event.booking_request_id.parse().unwrap());
                    }
                }
            };
            streams.spawn_on(read, self.0.handle());
            open.await.unwrap();
        }
        streams
    }

    /// The CPU time that reading has taken.
    pub fn took() -> Duration {
        let tasks = fs::read_dir("/proc/self/task").unwrap().map(|task| task.unwrap().path());
        let ours = tasks
            .filter(|task| fs::read_to_string(task.join("comm")).is_ok_and(|name| name.trim() == THREAD));
        // Nanoseconds on a core; nanoseconds waited; turns.
        let times = ours.map(|task| fs::read_to_string(task.join("schedstat")).unwrap());
        times.map(|text| Duration::from_nanos(text.split(' ').next().unwrap().parse().unwrap())).sum()
    }

    /// To be called outside of asynchronous code.
    pub fn stop(self) {
        self.0.shutdown_background();
    }
}

/// Numbers what a part has stored, as whoever begins to watch does, and removes what that
/// leaves dead. Otherwise the streams of a later part would number it just before its
/// clock starts, and each look of theirs would pass the dead entries while it runs.
pub async fn clear(bench: &Bench, tenants: &[Uuid]) {
    let mut api = BookingRequestServiceClient::new(bench.booking());
    for tenant in tenants {
        let call = signed(WatchBookingRequestsRequest::default(), &bench.token, *tenant);
        // It is answered when nothing waits any more.
        drop(api.watch_booking_requests(call).await.unwrap());
    }
    let waiting = "select count(*) from booking_events where tenant_id = any ($1) and number is null";
    let waiting: i64 = bench.sql.query_one(waiting, &[&tenants]).await.unwrap().get(0);
    assert_eq!(waiting, 0, "events wait for a number after somebody began to watch");
    // Where little is dead, it would otherwise leave the entries of indexes.
    bench.run("vacuum (index_cleanup on) booking_events").await;
}
