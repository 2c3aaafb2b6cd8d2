//! An import over REST, whose file a test sends bit by bit, for the tests beside.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame};
use reqwest::{Method, RequestBuilder, Response};
use serde_json::Value as Json;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::fixture::Fixture;

pub const PATH: &str = "/v1/customers/import";
pub const PATIENCE: Duration = Duration::from_secs(10);
/// A line that is refused without a look at the database.
pub const WRONG: &str = ",\n";

/// A file whose parts a test sends when it likes.
struct Parts(mpsc::Receiver<Bytes>);

impl Body for Parts {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(context).map(|part| part.map(|part| Ok(Frame::data(part))))
    }
}

/// Lines of a file, for so many customers.
pub fn guests(count: usize) -> String {
    (0..count).map(|n| format!("Guest {n},{n}\n")).collect::<Vec<_>>().concat()
}

/// An import over REST whose file is still being sent.
pub struct Import {
    pub file: mpsc::Sender<Bytes>,
    answer: Response,
    text: String,
}

impl Import {
    pub async fn start(fixture: &Fixture, token: &str, first: &str) -> Self {
        Self::start_in(fixture, token, "identity", first.as_bytes()).await
    }

    /// With a file in an encoding.
    pub async fn start_in(fixture: &Fixture, token: &str, encoding: &str, first: &[u8]) -> Self {
        let request = fixture.request(Method::POST, PATH).bearer_auth(token);
        Self::start_by(request.header("content-encoding", encoding), first).await
    }

    /// By a client of the test's own.
    pub async fn start_by(request: RequestBuilder, first: &[u8]) -> Self {
        let (file, parts) = mpsc::channel(1);
        file.send(Bytes::copy_from_slice(first)).await.unwrap();
        let request = request.header("content-type", "text/csv");
        let answer = timeout(PATIENCE, request.body(reqwest::Body::wrap(Parts(parts))).send()).await;
        let answer = answer.expect("the answer begins while the file comes").unwrap();
        assert_eq!(answer.status(), 200);
        Self { file, answer, text: String::new() }
    }

    pub async fn send(&self, part: &str) {
        self.file.send(Bytes::copy_from_slice(part.as_bytes())).await.unwrap();
    }

    /// The next message; `None` when the answer has ended.
    pub async fn next(&mut self) -> Option<Json> {
        self.next_within(PATIENCE).await
    }

    pub async fn next_within(&mut self, time: Duration) -> Option<Json> {
        loop {
            if let Some(end) = self.text.find('\n') {
                let line: String = self.text.drain(..=end).collect();
                return Some(serde_json::from_str(&line).unwrap());
            }
            let chunk = timeout(time, self.answer.chunk()).await.expect("a message in time").unwrap()?;
            self.text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    pub async fn outcome(&mut self) -> String {
        let message = self.next().await.unwrap();
        message["result"]["outcome"].as_str().unwrap_or_else(|| panic!("{message}")).to_owned()
    }

    /// The rest of the answer, of a file that has ended.
    pub async fn end(mut self) -> Vec<Json> {
        // Nothing more is sent.
        let (file, _) = mpsc::channel(1);
        self.file = file;
        let mut messages = Vec::new();
        while let Some(message) = self.next().await {
            messages.push(message);
        }
        messages
    }
}
