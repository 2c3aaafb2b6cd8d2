//! How letters are sent, as the settings say it.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use boot::{Form, Setting, Settings, Unset};
use outbound::Target;
use zeroize::Zeroizing;

use crate::domain::email::Email;

/// Who takes letters.
pub static MAIL_SENDER: Setting = Setting {
    name: "MAIL_SENDER",
    form: Form::Described(
        "smtp://, smtps:// or webhook:https:// with an address; `frontdesk dev` takes log as well",
    ),
    unset: Unset::Means("no mail is sent, and calls that would need it say so"),
    example: "smtp://frontdesk:password@mail.example.com:587",
    meaning: "Who takes letters to people: a mail server (smtp with STARTTLS, which it must offer, with a certificate that is trusted, unless it is on this machine; smtps), or a program that is sent JSON.",
    secret: true,
};
/// Whom letters are from.
pub static MAIL_FROM: Setting = Setting {
    name: "MAIL_FROM",
    form: Form::Described("an e-mail address, with or without a name"),
    unset: Unset::Means("no mail can be sent"),
    example: "Frontdesk <no-reply@example.com>",
    meaning: "Whom letters are from; needed with MAIL_SENDER.",
    secret: false,
};
/// Where links in letters lead.
pub static PUBLIC_URL: Setting = Setting {
    name: "PUBLIC_URL",
    form: Form::Described("an https address, or an http address of this machine"),
    unset: Unset::Means("no mail can be sent"),
    example: "https://app.example.com",
    meaning: "Where the pages are to which links in letters lead: /recover-password, /invitation and /confirm-email, with the token behind #token=; needed with MAIL_SENDER.",
    secret: false,
};

/// How letters are sent.
#[derive(Debug, Clone)]
pub struct MailPolicy {
    /// Who takes them.
    pub sender: MailSender,
    /// Whom they are from.
    pub from: MailFrom,
    /// Where links lead.
    pub links: PublicUrl,
}

/// Who takes letters.
#[derive(Debug, Clone)]
pub enum MailSender {
    /// A mail server.
    Smtp(SmtpServer),
    /// A program that is sent JSON.
    Webhook(Target),
    /// Files for whoever develops; in which folder says who starts it.
    Log,
    /// Files in this folder.
    Folder(PathBuf),
}

/// A mail server.
#[derive(Clone, PartialEq, Eq)]
pub struct SmtpServer {
    /// Its name.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is encrypted.
    pub tls: SmtpTls,
    /// User and password, if it asks for them.
    pub login: Option<(String, Zeroizing<String>)>,
}

/// How a connection to a mail server is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmtpTls {
    /// From the first byte.
    Always,
    /// After STARTTLS, without which nothing is sent.
    Required,
    /// If the server offers it: it is on this machine.
    IfOffered,
}

/// Whom letters are from: a name, if there is one, and the address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailFrom {
    /// May be empty.
    pub name: String,
    /// The address.
    pub address: String,
}

/// The start of links, without a slash at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl(String);

impl MailPolicy {
    /// Reads the settings; `None` within means that no mail is sent.
    pub fn read(settings: &mut Settings) -> Option<Self> {
        let sender: Option<MailSender> = settings.if_set(&MAIL_SENDER);
        let from: Option<MailFrom> = settings.if_set(&MAIL_FROM);
        let links: Option<PublicUrl> = settings.if_set(&PUBLIC_URL);
        match (sender?, from, links) {
            (MailSender::Log | MailSender::Folder(_), ..) => settings.refuse_because(
                "MAIL_SENDER: log is for `frontdesk dev`, which writes letters to files; name a mail server",
            ),
            (sender, Some(from), Some(links)) => Some(Self { sender, from, links }),
            (_, None, _) => settings.refuse_because("MAIL_SENDER is set, and MAIL_FROM is not: set both"),
            (_, _, None) => settings.refuse_because("MAIL_SENDER is set, and PUBLIC_URL is not: set both"),
        }
    }

    /// What `frontdesk dev` reads: without a setting letters become files in a folder, and
    /// links lead to the gateway.
    pub fn for_dev(
        sender: Option<MailSender>,
        from: Option<MailFrom>,
        links: PublicUrl,
        folder: PathBuf,
    ) -> Self {
        let sender = match sender {
            None | Some(MailSender::Log) => MailSender::Folder(folder),
            Some(sender) => sender,
        };
        let from = from
            .unwrap_or_else(|| MailFrom { name: "Frontdesk".into(), address: "no-reply@localhost".into() });
        Self { sender, from, links }
    }

    /// The folder in which letters become files.
    pub fn folder(&self) -> Option<&Path> {
        if let MailSender::Folder(folder) = &self.sender { Some(folder) } else { None }
    }
}

impl PublicUrl {
    /// The link to a page with a token, which is in the fragment: no server is sent it, so no
    /// log of one has it.
    pub fn link(&self, page: &str, token: &str) -> String {
        format!("{}/{page}#token={token}", self.0)
    }
}

impl FromStr for MailSender {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text == "log" {
            return Ok(Self::Log);
        }
        if let Some(url) = text.strip_prefix("webhook:") {
            return Target::named_by_deployment(url).map(Self::Webhook).map_err(|error| error.to_string());
        }
        let (implicit, rest) = match (text.strip_prefix("smtps://"), text.strip_prefix("smtp://")) {
            (Some(rest), _) => (true, rest),
            (_, Some(rest)) => (false, rest),
            _ => return Err("is neither smtp://, smtps:// nor webhook:https://".to_owned()),
        };
        SmtpServer::read(rest, implicit).map(Self::Smtp).map_err(str::to_owned)
    }
}

impl SmtpServer {
    /// `[user:password@]host[:port]`; what is special in user or password is written with `%`.
    fn read(text: &str, implicit: bool) -> Result<Self, &'static str> {
        let (login, place) =
            text.rsplit_once('@').map_or((None, text), |(login, place)| (Some(login), place));
        let place = place.strip_suffix('/').unwrap_or(place);
        let (host, port) = match place.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => {
                (host, port.parse().map_err(|_| "has a port that is not a number")?)
            }
            _ => (place, if implicit { 465 } else { 587 }),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        if host.is_empty() || host.contains(['/', '?', '#', ' ']) {
            return Err("names no host, or more than host and port behind the @");
        }
        let login = match login {
            None => None,
            Some(login) => {
                let (user, password) = login.split_once(':').ok_or("has a user without a password")?;
                let read = |part| decoded(part).ok_or("has a % that is not followed by two digits");
                Some((read(user)?, Zeroizing::new(read(password)?)))
            }
        };
        let here = matches!(host, "localhost" | "127.0.0.1" | "::1");
        let tls = match (implicit, here) {
            (true, _) => SmtpTls::Always,
            (false, true) => SmtpTls::IfOffered,
            (false, false) => SmtpTls::Required,
        };
        Ok(Self { host: host.to_owned(), port, tls, login })
    }
}

/// Without percent-encoding.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, more)) = rest.split_first() {
        rest = more;
        if *first == b'%' {
            let (digits, more) = rest.split_at_checked(2)?;
            bytes.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
            rest = more;
        } else {
            bytes.push(*first);
        }
    }
    String::from_utf8(bytes).ok()
}

impl FromStr for MailFrom {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let (name, address) = match text.strip_suffix('>').and_then(|rest| rest.rsplit_once('<')) {
            Some((name, address)) => (name.trim().trim_matches('"').trim(), address),
            None => ("", text),
        };
        if name.chars().any(char::is_control) {
            return Err("has a name with control characters".to_owned());
        }
        let address = Email::checked(address).map_err(|invalid| invalid.problem)?;
        Ok(Self { name: name.to_owned(), address: address.as_str().to_owned() })
    }
}

impl FromStr for PublicUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim().trim_end_matches('/');
        Target::named_by_deployment(text).map_err(|error| error.to_string())?;
        if text.contains(['#', '?', ' ', '"', '<', '>']) {
            return Err("has a query, a fragment or marks that no address has".to_owned());
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for SmtpServer {
    /// Without the password.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port, tls, login } = self;
        write!(out, "SmtpServer({host}:{port}, {tls:?}, login: {})", login.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_server_is_read_with_its_login_and_nothing_goes_in_the_clear_beyond_this_machine() {
        let smtp = |text: &str| match text.parse() {
            Ok(MailSender::Smtp(server)) => server,
            other => panic!("{text}: {other:?}"),
        };
        let full = smtp("smtp://us%40er:p%2Fa:ss@mail.example.com:2525/");
        assert_eq!((full.host.as_str(), full.port, full.tls), ("mail.example.com", 2525, SmtpTls::Required));
        let (user, password) = full.login.clone().unwrap();
        assert_eq!((user.as_str(), password.as_str()), ("us@er", "p/a:ss"));
        assert!(!format!("{full:?}").contains("p/a:ss"));
        let plain = smtp("smtp://mail.example.com");
        assert_eq!((plain.port, plain.tls, plain.login), (587, SmtpTls::Required, None));
        assert_eq!(smtp("smtps://mail.example.com").port, 465);
        assert_eq!(smtp("smtps://127.0.0.1").tls, SmtpTls::Always);
        assert_eq!(smtp("smtp://127.0.0.1:25").tls, SmtpTls::IfOffered);
        assert_eq!(smtp("smtp://127.0.0.1.example:25").tls, SmtpTls::Required);
        let six = smtp("smtp://[::1]:25");
        assert_eq!((six.host.as_str(), six.port, six.tls), ("::1", 25, SmtpTls::IfOffered));
        assert_eq!(smtp("smtp://[::1]").port, 587);
    }

    #[test]
    fn what_is_no_sender_no_address_and_no_place_for_links_is_refused() {
        for bad in [
            "",
            "mail.example.com",
            "http://mail.example.com",
            "webhook:http://mail.example.com",
            "webhook:x",
            "smtp://",
            "smtp://user@mail.example.com",
            "smtp://a:%2@mail.example.com",
            "smtp://mail.example.com:x",
            "smtp://mail.example.com?tls=none",
        ] {
            assert!(bad.parse::<MailSender>().is_err(), "{bad}");
        }
        assert!(matches!("webhook:https://x.example/y".parse(), Ok(MailSender::Webhook(_))));
        let from = |text: &str| text.parse::<MailFrom>();
        let named = MailFrom { name: "Front, desk".into(), address: "a@b.example".into() };
        assert_eq!(from("\"Front, desk\" <a@b.example>"), Ok(named));
        assert_eq!(from("a@b.example").map(|from| from.name), Ok(String::new()));
        assert!(from("Frontdesk").is_err() && from("a\r\nb <a@b.example>").is_err());
        for bad in ["app.example", "http://app.example", "https://app.example/?x", "https://app.example/#x"] {
            assert!(bad.parse::<PublicUrl>().is_err(), "{bad}");
        }
        let link = "https://app.example/x/".parse::<PublicUrl>().unwrap().link("recover-password", "T");
        assert_eq!(link, "https://app.example/x/recover-password#token=T");
    }
}
