//! A mail server for tests: SMTP as RFC 5321 has it, as far as a client that submits needs it.
//! What it is to refuse is in the address.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use identity::MailPolicy;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Where links of letters lead.
pub const LINKS: &str = "https://app.alpine.example";

/// A letter that was taken.
#[derive(Debug, Clone)]
pub struct Letter {
    pub to: String,
    pub head: String,
    /// Its parts, readable.
    pub body: String,
}

/// A server that goes on until the test ends.
pub struct Mailbox {
    addr: SocketAddr,
    taken: Arc<Mutex<Vec<Letter>>>,
    news: watch::Receiver<usize>,
}

impl Mailbox {
    pub async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let taken = Arc::new(Mutex::new(Vec::new()));
        let (tell, news) = watch::channel(0);
        let all = Arc::clone(&taken);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&all), tell.clone()));
            }
        });
        Self { addr, taken, news }
    }

    /// Letters go here.
    pub fn policy(&self) -> MailPolicy {
        MailPolicy {
            sender: format!("smtp://{}", self.addr).parse().unwrap(),
            from: "Frontdesk <no-reply@frontdesk.example>".parse().unwrap(),
            links: LINKS.parse().unwrap(),
        }
    }

    /// The n-th letter to an address, from 1, waited for.
    pub async fn letter(&self, to: &str, n: usize) -> Letter {
        let mut news = self.news.clone();
        let came = async {
            loop {
                let letters: Vec<Letter> =
                    self.taken.lock().unwrap().iter().filter(|one| one.to == to).cloned().collect();
                if let Some(letter) = letters.get(n - 1) {
                    return letter.clone();
                }
                news.changed().await.unwrap();
            }
        };
        tokio::time::timeout(Duration::from_secs(30), came).await.expect("the letter comes")
    }

    /// How many letters were taken for an address.
    pub fn count(&self, to: &str) -> usize {
        self.taken.lock().unwrap().iter().filter(|one| one.to == to).count()
    }
}

impl Letter {
    /// The token of the link to a page.
    pub fn token(&self, page: &str) -> String {
        let start = format!("{LINKS}/{page}#token=");
        let (_, rest) = self.body.split_once(&start).unwrap_or_else(|| panic!("no {start} in {}", self.body));
        rest.chars().take_while(|mark| mark.is_ascii_alphanumeric() || "-_".contains(*mark)).collect()
    }
}

/// One connection. An address that begins with `never` is refused for ever, one with `later`
/// for now.
async fn serve(stream: TcpStream, taken: Arc<Mutex<Vec<Letter>>>, tell: watch::Sender<usize>) {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    let mut to = String::new();
    write.write_all(b"220 mail.test ESMTP\r\n").await.unwrap();
    while let Ok(Some(line)) = lines.next_line().await {
        let command = line.to_ascii_uppercase();
        let answer = if command.starts_with("EHLO") {
            "250-mail.test\r\n250 8BITMIME"
        } else if command.starts_with("RCPT TO:") {
            to = line[8..].split(['<', '>']).nth(1).unwrap_or_default().to_owned();
            if to.starts_with("never") {
                "550 5.1.1 no such mailbox"
            } else if to.starts_with("later") {
                "451 4.3.0 come again"
            } else {
                "250 ok"
            }
        } else if command == "DATA" {
            write.write_all(b"354 go on\r\n").await.unwrap();
            let mut text = String::new();
            while let Ok(Some(line)) = lines.next_line().await {
                if line == "." {
                    break;
                }
                text.push_str(line.strip_prefix('.').unwrap_or(&line));
                text.push('\n');
            }
            let (head, body) = text.split_once("\n\n").unwrap();
            let letter = Letter { to: to.clone(), head: head.to_owned(), body: readable(body) };
            let mut all = taken.lock().unwrap();
            all.push(letter);
            tell.send_replace(all.len());
            "250 taken"
        } else if command == "QUIT" {
            "221 bye"
        } else {
            "250 ok"
        };
        if write.write_all(format!("{answer}\r\n").as_bytes()).await.is_err() {
            return;
        }
    }
}

/// Without quoted-printable.
fn readable(text: &str) -> String {
    let joined = text.replace("=\n", "");
    let mut bytes = Vec::new();
    let mut rest = joined.as_bytes();
    while let Some((first, more)) = rest.split_first() {
        rest = more;
        let coded =
            (*first == b'=').then(|| more.get(..2).and_then(|digits| std::str::from_utf8(digits).ok()));
        match coded.flatten().and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) if joined.contains("quoted-printable") => {
                bytes.push(byte);
                rest = &more[2..];
            }
            _ => bytes.push(*first),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
