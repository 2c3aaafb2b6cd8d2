//! Who takes letters: a mail server, a program over HTTP, or a folder for whoever develops.

use std::path::{Path, PathBuf};
use std::time::Duration;

use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use outbound::{Outbound, Target};
use serde_json::json;
use tokio::io::AsyncWriteExt;

use crate::config::{MailFrom, MailPolicy, MailSender, SmtpServer, SmtpTls};
use crate::domain::delivery::{Attempt, Waiting};
use crate::domain::mail::Mail;

/// How long a server is waited for, at each step.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long it is waited for in all; less than a letter is taken for.
const LONGEST: Duration = Duration::from_secs(40);
/// Most bytes that are kept of what a server said.
const SAID: usize = 300;
/// What TLS says of a certificate that it does not believe, at the end of the causes.
const NOT_TRUSTED: &str = "invalid peer certificate";

/// Who takes letters, and whom they are from.
pub struct Sender {
    from: MailFrom,
    to: To,
}

enum To {
    Smtp(AsyncSmtpTransport<Tokio1Executor>),
    Webhook(Outbound, Target),
    Folder(PathBuf),
}

impl Sender {
    /// As the settings say it.
    pub fn of(policy: &MailPolicy) -> Result<Self, String> {
        let MailPolicy { sender, from, links: _ } = policy;
        let to = match sender {
            MailSender::Smtp(server) => To::Smtp(transport(server)?),
            MailSender::Webhook(target) => {
                let outbound = Outbound::new(LONGEST).map_err(|error| error.to_string())?;
                To::Webhook(outbound, target.clone())
            }
            MailSender::Folder(folder) => To::Folder(folder.clone()),
            MailSender::Log => return Err("log has no folder to write letters to".to_owned()),
        };
        Ok(Self { from: from.clone(), to })
    }

    /// Gives a letter away.
    pub async fn deliver(&self, letter: &Waiting, mail: &Mail) -> Attempt {
        let given = async {
            match &self.to {
                To::Webhook(outbound, target) => post(outbound, target, &self.from, letter, mail).await,
                To::Smtp(transport) => match message(&self.from, letter, mail) {
                    Ok(message) => by_smtp(transport, message).await,
                    Err(problem) => Attempt::Never(problem),
                },
                To::Folder(folder) => match message(&self.from, letter, mail) {
                    Ok(message) => into_folder(folder, letter, &message.formatted()).await,
                    Err(problem) => Attempt::Never(problem),
                },
            }
        };
        let given = tokio::time::timeout(LONGEST, given).await;
        given.unwrap_or_else(|_| Attempt::Later(format!("nothing came within {} s", LONGEST.as_secs())))
    }
}

fn transport(server: &SmtpServer) -> Result<AsyncSmtpTransport<Tokio1Executor>, String> {
    let SmtpServer { host, port, tls, login } = server;
    let parameters = TlsParameters::builder(host.clone());
    // A server on this machine would be believed without TLS, and has mostly a certificate that
    // nobody signed.
    let believes_any = *tls == SmtpTls::IfOffered;
    let parameters = parameters
        .dangerous_accept_invalid_certs(believes_any)
        .dangerous_accept_invalid_hostnames(believes_any);
    let parameters = parameters.build_rustls().map_err(|error| error.to_string())?;
    let tls = match tls {
        SmtpTls::Always => Tls::Wrapper(parameters),
        SmtpTls::Required => Tls::Required(parameters),
        SmtpTls::IfOffered => Tls::Opportunistic(parameters),
    };
    let builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host.as_str());
    let builder = builder.port(*port).tls(tls).timeout(Some(PATIENCE));
    Ok(match login {
        Some((user, password)) => builder.credentials(Credentials::new(user.clone(), password.to_string())),
        None => builder,
    }
    .build())
}

/// The letter as the mail of the world has it. Texts go through the builder alone, which
/// codes them: nothing in them becomes a header.
fn message(from: &MailFrom, letter: &Waiting, mail: &Mail) -> Result<Message, String> {
    // The builder panics on a name that has lines.
    let name = from.name.replace(char::is_control, " ");
    let name = Some(name).filter(|name| !name.is_empty());
    let sender = address(&from.address)?;
    let id = format!("<{}@{}>", letter.id, sender.domain());
    Message::builder()
        .from(Mailbox::new(name, sender))
        .to(Mailbox::new(None, address(&letter.recipient)?))
        .subject(mail.subject.clone())
        .message_id(Some(id))
        .date(letter.created_at.into())
        .multipart(MultiPart::alternative_plain_html(mail.text.clone(), mail.html.clone()))
        .map_err(|error| error.to_string())
}

/// The address with its domain as the DNS has it, so that a server needs to know nothing of
/// other letters unless there are some before the @.
fn address(text: &str) -> Result<Address, String> {
    let (local, domain) = text.rsplit_once('@').ok_or("no e-mail address")?;
    let domain = idna::domain_to_ascii(domain).map_err(|error| error.to_string())?;
    Address::new(local, domain).map_err(|error| error.to_string())
}

async fn by_smtp(transport: &AsyncSmtpTransport<Tokio1Executor>, message: Message) -> Attempt {
    let Err(error) = transport.send(message).await else { return Attempt::Delivered };
    let said = said(&error);
    match error.status().map(u16::from) {
        // What is wrong with the login is no letter's fault, and put right one day.
        Some(530 | 534 | 535 | 538) => Attempt::NotLetIn(said),
        None if said.contains(NOT_TRUSTED) => Attempt::NotLetIn(said),
        Some(500..) => Attempt::Never(said),
        _ => Attempt::Later(said),
    }
}

async fn post(
    outbound: &Outbound,
    target: &Target,
    from: &MailFrom,
    letter: &Waiting,
    mail: &Mail,
) -> Attempt {
    let Waiting { id, kind, recipient, .. } = letter;
    let MailFrom { name, address } = from;
    let Mail { subject, text, html } = mail;
    let body = json!({
        "id": id.to_string(), "kind": kind, "to": recipient, "from": {"name": name, "address": address},
        "subject": subject, "text": text, "html": html,
    });
    match outbound.post_json(target, body.to_string().into_bytes()).await {
        Ok(200..300) => Attempt::Delivered,
        Ok(status @ (400 | 413 | 422)) => Attempt::Never(format!("answered with {status}")),
        Ok(status @ (401 | 403 | 407)) => Attempt::NotLetIn(format!("answered with {status}")),
        Ok(status) => Attempt::Later(format!("answered with {status}")),
        Err(error) => Attempt::Later(said(&error)),
    }
}

/// For the eyes of whoever develops: the folder is theirs, and so are the files.
async fn into_folder(folder: &Path, letter: &Waiting, message: &[u8]) -> Attempt {
    let path = folder.join(format!("{}.eml", letter.id));
    let write = async {
        tokio::fs::create_dir_all(folder).await?;
        let mut options = tokio::fs::OpenOptions::new();
        let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(path).await?;
        file.write_all(message).await?;
        file.flush().await
    };
    match write.await {
        Ok(()) => Attempt::Delivered,
        Err(error) => Attempt::Later(said(&error)),
    }
}

/// What is kept of a failure, with its causes.
fn said(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    let clean = text.chars().map(|one| if one.is_control() { ' ' } else { one });
    clean.take(SAID).collect()
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use tokio::net::TcpListener;
    use uuid::Uuid;

    use super::*;
    use crate::domain::delivery::LEASE;
    use crate::domain::ids::MailId;

    fn waiting(recipient: &str) -> Waiting {
        Waiting {
            id: MailId(Uuid::from_u128(7)),
            kind: "recover".into(),
            recipient: recipient.into(),
            sealed: Vec::new(),
            created_at: Timestamp::from_second(1_800_000_000).unwrap(),
            expires_at: None,
            attempts: 1,
        }
    }

    #[test]
    fn what_others_wrote_becomes_no_header_and_a_domain_goes_as_the_dns_has_it() {
        let from = MailFrom { name: "Eve\r\nBcc: x@y.example".into(), address: "no-reply@a.example".into() };
        let mail = Mail {
            subject: "Grüße\r\nBcc: x@y.example".into(),
            text: "Text\r\n.\r\nBcc: x@y.example".into(),
            html: "<p>Text</p>".into(),
        };
        let message = message(&from, &waiting("x@münchen.example"), &mail).unwrap();
        let text = String::from_utf8(message.formatted()).unwrap();
        let (head, _) = text.split_once("\r\n\r\n").unwrap();
        assert!(!head.lines().any(|line| line.to_ascii_lowercase().starts_with("bcc")), "{head}");
        assert!(head.contains("To: x@xn--mnchen-3ya.example"), "{head}");
        assert!(head.contains(&format!("Message-ID: <{}@a.example>", Uuid::from_u128(7))), "{head}");
        assert_eq!(message.envelope().to().len(), 1);
        assert!(super::message(&from, &waiting("nobody"), &mail).is_err());
    }

    /// A receiver that answers a byte a second would have all letters wait.
    #[tokio::test(start_paused = true)]
    async fn a_receiver_that_is_slow_is_waited_for_no_longer_than_a_letter_is_taken_for() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let target = format!("webhook:http://{}/", listener.local_addr().unwrap());
        tokio::spawn(async move {
            let (mut client, _) = listener.accept().await.unwrap();
            for byte in b"HTTP/1.1 200 OK\r\n".iter().chain(std::iter::repeat(&b'x')) {
                if client.write_all(&[*byte]).await.is_err() {
                    return;
                }
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        });
        let from = MailFrom { name: String::new(), address: "no-reply@a.example".into() };
        let links = "https://a.example".parse().unwrap();
        let policy = MailPolicy { sender: target.parse().unwrap(), from, links };
        let mail = Mail { subject: String::new(), text: String::new(), html: String::new() };
        let began = tokio::time::Instant::now();
        let given = Sender::of(&policy).unwrap().deliver(&waiting("x@x.example"), &mail).await;
        assert!(matches!(given, Attempt::Later(_)), "{given:?}");
        assert!(began.elapsed() <= LONGEST + Duration::from_secs(1), "{:?}", began.elapsed());
        assert!(i128::from(LEASE.as_secs()) > i128::from(LONGEST.as_secs()));
    }
}
