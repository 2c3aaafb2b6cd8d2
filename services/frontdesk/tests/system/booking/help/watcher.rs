//! A watcher as a client should be one: it goes on from its last cursor whenever its
//! stream ends, whatever ends it. In the end it must have heard everything, once, in
//! the order of the feed.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use frontdesk::demo;
use frontdesk_proto::booking::v1::WatchBookingRequestsRequest;
use frontdesk_proto::booking::v1::booking_request_service_client::BookingRequestServiceClient;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_postgres::Client;

use crate::fixture::{channel, signed};

/// Events after which it begins another stream, to go on from many cursors.
const OF_ONE_STREAM: usize = 40;

/// A watcher of the demo's tenant.
pub struct Watcher {
    heard: Arc<Mutex<Vec<String>>>,
    reading: JoinHandle<()>,
}

impl Watcher {
    /// Hears everything from the first event on.
    pub fn start(booking: SocketAddr, token: &str) -> Self {
        let (heard, token) = (Arc::new(Mutex::new(Vec::new())), token.to_owned());
        let record = Arc::clone(&heard);
        let reading = tokio::spawn(async move {
            let mut cursor = "start".to_owned();
            loop {
                hear(booking, &token, &mut cursor, &record).await;
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
        Self { heard, reading }
    }

    pub fn count(&self) -> usize {
        self.heard.lock().unwrap().len()
    }

    /// Waits until it has heard as much as is stored, and compares.
    pub async fn has_heard_everything(&self, sql: &Client) {
        let stored = "select id::text from booking_events where tenant_id = $1 order by number nulls last";
        for _ in 0..200 {
            // Before the rows: what was heard has its number when they are read.
            let count = self.count();
            let rows = sql.query(stored, &[&demo::TENANT]).await.unwrap();
            if count >= rows.len() {
                // What comes once more comes soon.
                tokio::time::sleep(Duration::from_millis(200)).await;
                let stored: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
                let heard = self.heard.lock().unwrap().clone();
                let differs = heard.iter().zip(&stored).position(|(heard, stored)| heard != stored);
                assert!(
                    heard == stored,
                    "{} heard, {} stored, not the same at {differs:?}",
                    heard.len(),
                    stored.len()
                );
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("{} events were heard, more are stored", self.count());
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.reading.abort();
    }
}

/// A stream from a cursor until it ends, says nothing for long, or is long enough.
async fn hear(booking: SocketAddr, token: &str, cursor: &mut String, heard: &Mutex<Vec<String>>) {
    let mut client = BookingRequestServiceClient::new(channel(booking));
    let message = WatchBookingRequestsRequest { cursor: cursor.clone(), ..Default::default() };
    let Ok(stream) = client.watch_booking_requests(signed(message, token)).await else { return };
    let mut stream = stream.into_inner();
    let mut events = 0;
    while events < OF_ONE_STREAM
        && let Ok(Ok(Some(message))) = timeout(Duration::from_secs(20), stream.message()).await
    {
        *cursor = message.cursor;
        if let Some(event) = message.event {
            events += 1;
            heard.lock().unwrap().push(event.id);
        }
    }
}
