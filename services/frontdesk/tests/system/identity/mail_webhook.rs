//! Letters to a program that is sent JSON: what becomes of one by how that answers.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use identity::{MailPolicy, Policy};
use reqwest::Method;
use serde_json::{Value as Json, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::fixture::{Answer, Fixture};
use crate::mailbox::LINKS;
use crate::waits::until_so;

/// What a call was for, and its body.
type Call = (String, Json);

/// A program that takes letters until the test ends, and answers by the address.
struct Receiver {
    addr: SocketAddr,
    calls: Arc<Mutex<Vec<Call>>>,
}

impl Receiver {
    async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (addr, calls) = (listener.local_addr().unwrap(), Arc::default());
        let all = Arc::clone(&calls);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&all)));
            }
        });
        Self { addr, calls }
    }

    fn policy(&self) -> MailPolicy {
        MailPolicy {
            sender: format!("webhook:http://{}/letters?key=of-the-receiver", self.addr).parse().unwrap(),
            from: "Frontdesk <no-reply@frontdesk.example>".parse().unwrap(),
            links: LINKS.parse().unwrap(),
        }
    }

    fn to(&self, to: &str) -> Vec<Call> {
        let calls = self.calls.lock().unwrap();
        calls.iter().filter(|(_, body)| body["to"] == to).cloned().collect()
    }
}

/// One connection, with one call.
async fn serve(stream: TcpStream, calls: Arc<Mutex<Vec<Call>>>) {
    let mut stream = BufReader::new(stream);
    let (mut asked, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.unwrap();
        match line.trim_end().split_once(": ") {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.parse().unwrap();
            }
            Some(_) => {}
            None if asked.is_empty() => asked.push_str(line.trim_end()),
            None => break,
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.unwrap();
    let body: Json = serde_json::from_slice(&body).unwrap_or_default();
    let to = body["to"].as_str().unwrap_or_default().to_owned();
    calls.lock().unwrap().push((asked, body));
    let status = match to.split(['-', '@']).next().unwrap_or_default() {
        "taken" => "204 No Content",
        "unfit" => "422 Unprocessable Content",
        "later" => "503 Service Unavailable",
        "locked" => "401 Unauthorized",
        _ => "307 Temporary Redirect\r\nlocation: /elsewhere",
    };
    let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    stream.write_all(answer.as_bytes()).await.unwrap();
}

/// Asks for a letter to a new user with this address.
async fn letter_to(fixture: &Fixture, email: &str) {
    let user = "insert into identity.users (id, email, display_name, kind, created_at) \
        values (gen_random_uuid(), $1, '', 'person', now())";
    fixture.execute(user, &[&email]).await;
    let request = fixture.request(Method::POST, "/v1/auth/recovery");
    Answer::of(request.json(&json!({"email": email}))).await.ok();
}

/// Whether a letter waits or is dead, and why; nothing when it was delivered.
async fn state(fixture: &Fixture, email: &str) -> Option<(bool, String)> {
    let sql = "select dead_at is not null, failure from identity.outbox where recipient = $1";
    let row = fixture.sql.query_opt(sql, &[&email]).await.unwrap()?;
    Some((row.get(0), row.get(1)))
}

async fn until(fixture: &Fixture, email: &str, wanted: Option<(bool, &str)>) {
    let wanted = wanted.map(|(dead, failure)| (dead, failure.to_owned()));
    until_so(&format!("{email} is {wanted:?}"), async || state(fixture, email).await == wanted).await;
}

#[tokio::test]
async fn a_letter_is_delivered_dead_or_tried_again_by_how_the_receiver_answers() {
    let receiver = Receiver::open().await;
    let fixture = Fixture::start_with(Policy { mail: Some(receiver.policy()), ..Policy::default() }).await;
    for email in ["taken@x.example", "unfit@x.example", "later@x.example", "locked@x.example"] {
        letter_to(&fixture, email).await;
    }
    until(&fixture, "taken@x.example", None).await;
    until(&fixture, "unfit@x.example", Some((true, "answered with 422"))).await;
    until(&fixture, "later@x.example", Some((false, "answered with 503"))).await;
    until(&fixture, "locked@x.example", Some((false, "answered with 401"))).await;

    let (asked, body) = receiver.to("taken@x.example").remove(0);
    assert_eq!(asked, "POST /letters?key=of-the-receiver HTTP/1.1");
    let from = json!({"name": "Frontdesk", "address": "no-reply@frontdesk.example"});
    assert_eq!((&body["kind"], &body["from"]), (&json!("recover"), &from), "{body}");
    for (field, holds) in [("subject", "Set a new password"), ("text", LINKS), ("html", LINKS)] {
        assert!(body[field].as_str().unwrap().contains(holds), "{field} of {body}");
    }

    // Its turn comes earlier here. Whoever hears of a letter twice knows it by its id.
    let sooner = "update identity.outbox set due_at = now(), recipient = 'taken-later@x.example' \
        where recipient = 'later@x.example'";
    assert_eq!(fixture.execute(sooner, &[]).await, 1);
    until(&fixture, "taken-later@x.example", None).await;
    let [first, second] = ["later@x.example", "taken-later@x.example"].map(|to| receiver.to(to).remove(0).1);
    assert_eq!(first["id"], second["id"]);
    assert_eq!(receiver.to("unfit@x.example").len(), 1, "what is dead is not sent again");
}

#[tokio::test]
async fn a_receiver_that_is_elsewhere_is_not_followed() {
    let receiver = Receiver::open().await;
    let fixture = Fixture::start_with(Policy { mail: Some(receiver.policy()), ..Policy::default() }).await;
    letter_to(&fixture, "moved@x.example").await;
    until(&fixture, "moved@x.example", Some((false, "answered with 307"))).await;
    let calls = receiver.calls.lock().unwrap().clone();
    assert!(calls.iter().all(|(asked, _)| asked.starts_with("POST /letters?")), "{calls:?}");
    assert_eq!(calls.len(), 1);
}
