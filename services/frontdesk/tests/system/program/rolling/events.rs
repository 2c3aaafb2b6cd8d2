//! A stream of server-sent events over the gateways, as a page without gRPC reads it.

use std::sync::atomic::Ordering;
use std::time::Duration;

use reqwest::Response;
use serde_json::Value as Json;

use super::Load;

impl Load {
    /// Hears every event, and goes on where a stream that ends says so.
    pub(super) async fn hears_events(&self) {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        // The second gateway: the other stream is at the first.
        let (mut cursor, mut at) = ("start".to_owned(), 1);
        while self.goes_on() {
            let (addr, _) = self.balancer.gateways[at];
            let url = format!("http://{addr}/v1/booking-requests/watch?cursor={cursor}");
            let asked = http.get(url).bearer_auth(&self.token).header("accept", "text/event-stream");
            match asked.send().await {
                Ok(answer) if answer.status() == 200 => {
                    self.streams[1].fetch_add(1, Ordering::Relaxed);
                    if let Some(why) = self.reads(answer, &mut cursor).await {
                        self.fails(format!("events ended: {why}"));
                    }
                }
                Ok(answer) => self.fails(format!("events: {}", answer.text().await.unwrap_or_default())),
                Err(error) => self.fails(format!("events at {addr}: {error:?}")),
            }
            at = self.balancer.ready();
        }
    }

    /// Reads a stream to its end; what was wrong with that.
    async fn reads(&self, mut answer: Response, cursor: &mut String) -> Option<String> {
        let mut bytes = Vec::new();
        loop {
            match tokio::time::timeout(Duration::from_millis(200), answer.chunk()).await {
                Ok(Ok(Some(chunk))) => bytes.extend_from_slice(&chunk),
                Ok(Ok(None)) => return Some(format!("without a word behind {cursor}")),
                Ok(Err(error)) => return Some(format!("{error:?} behind {cursor}")),
                Err(_) if self.goes_on() => {}
                Err(_) => return None,
            }
            while let Some(end) = bytes.windows(2).position(|pair| pair == b"\n\n") {
                let event: Vec<u8> = bytes.drain(..end + 2).collect();
                let event = String::from_utf8(event).unwrap();
                let data = event.lines().find_map(|line| line.strip_prefix("data: ")).expect("data");
                let data: Json = serde_json::from_str(data).unwrap();
                if event.starts_with("event: error\n") {
                    let go_on = data["error"]["metadata"]["go_on"].as_str();
                    return (go_on != Some(cursor.as_str())).then(|| format!("{data} behind {cursor}"));
                }
                data["cursor"].as_str().expect("a cursor").clone_into(cursor);
                self.heard[1].lock().unwrap().extend(data["event"]["id"].as_str().map(str::to_owned));
            }
        }
    }
}
