//! The letters that people get, in their words: German and English. Who sends them, and when,
//! is not known here.
//!
//! A letter is rendered when it is written, so that what it says is what was the case. Texts
//! of others (names) are escaped in HTML and kept to one line in subjects; a link is the only
//! address in it.

use std::fmt::Write as _;

/// The languages of letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Language {
    /// German.
    German,
    /// English, also for whoever prefers another one.
    #[default]
    English,
}

/// What a letter is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Letter<'a> {
    /// Somebody asked to recover the password of the account.
    Recover {
        /// Leads to the page that takes a new password.
        link: &'a str,
    },
    /// Somebody is invited into a tenant.
    Invitation {
        /// The name of the tenant.
        tenant: &'a str,
        /// The name of who invites; may be empty.
        inviter: &'a str,
        /// The name of the role.
        role: &'a str,
        /// Leads to the page that accepts or declines.
        link: &'a str,
    },
    /// The password has been changed by a link.
    PasswordRecovered,
    /// Somebody wants to confirm the address of an account.
    ConfirmEmail {
        /// Leads to the page that confirms it.
        link: &'a str,
    },
    /// Somebody wants this address for an account.
    ChangeEmail {
        /// Leads to the page that confirms it.
        link: &'a str,
    },
    /// Somebody who has signed in to the account wants another address for it.
    EmailChangeAsked,
    /// The account has another address now.
    EmailChanged,
}

/// A letter as it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// One line.
    pub subject: String,
    /// For whoever reads plain text.
    pub text: String,
    /// The same.
    pub html: String,
}

impl Language {
    /// The one that a browser asks for in `Accept-Language`.
    pub fn preferred(accepted: &str) -> Self {
        let mut best = (0.0, Self::default());
        for one in accepted.split(',').take(16) {
            let (tag, weight) = one.split_once(';').unwrap_or((one, ""));
            let weight = weight.trim().strip_prefix("q=").map_or(Some(1.0), |text| text.parse::<f32>().ok());
            let language = match tag.trim().split('-').next().map(str::to_ascii_lowercase).as_deref() {
                Some("de") => Self::German,
                Some("en") => Self::English,
                _ => continue,
            };
            if weight.is_some_and(|weight| weight > best.0) {
                best = (weight.unwrap_or_default(), language);
            }
        }
        best.1
    }
}

impl Letter<'_> {
    /// What it is called in the outbox and in the log.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Recover { .. } => "recover",
            Self::Invitation { .. } => "invitation",
            Self::PasswordRecovered => "password_recovered",
            Self::ConfirmEmail { .. } => "confirm_email",
            Self::ChangeEmail { .. } => "change_email",
            Self::EmailChangeAsked => "email_change_asked",
            Self::EmailChanged => "email_changed",
        }
    }

    /// The letter in a language.
    pub fn render(&self, language: Language) -> Mail {
        use Language::{English, German};
        match (self, language) {
            (Self::Recover { link }, German) => mail(
                "Neues Passwort setzen",
                &[
                    "Jemand möchte für das Konto mit dieser E-Mail-Adresse ein neues Passwort setzen. Wenn Sie das sind, öffnen Sie diesen Link; er gilt eine Stunde und einmal:",
                ],
                Some(link),
                &["Wenn Sie es nicht sind, ist nichts zu tun: Ihr Passwort bleibt, wie es ist."],
            ),
            (Self::Recover { link }, English) => mail(
                "Set a new password",
                &[
                    "Somebody wants to set a new password for the account with this e-mail address. If it is you, open this link; it works for an hour, and once:",
                ],
                Some(link),
                &["If it is not you, there is nothing to do: your password stays as it is."],
            ),
            (Self::Invitation { tenant, inviter, role, link }, _) => {
                invitation([*tenant, *inviter, *role], link, language)
            }
            (
                Self::ConfirmEmail { .. }
                | Self::ChangeEmail { .. }
                | Self::EmailChangeAsked
                | Self::EmailChanged,
                _,
            ) => self.render_of_addresses(language),
            (Self::PasswordRecovered, German) => mail(
                "Ihr Passwort wurde geändert",
                &[
                    "Das Passwort Ihres Kontos wurde über einen Link geändert, der an diese Adresse ging. Alle Sitzungen sind beendet.",
                    "Wenn Sie es nicht waren, liest jemand Ihre E-Mails: Sichern Sie zuerst Ihr Postfach, und setzen Sie dann ein neues Passwort.",
                ],
                None,
                &[],
            ),
            (Self::PasswordRecovered, English) => mail(
                "Your password was changed",
                &[
                    "The password of your account was changed by a link that was sent to this address. All sessions were ended.",
                    "If it was not you, somebody reads your mail: secure your mailbox first, and then set a new password.",
                ],
                None,
                &[],
            ),
        }
    }

    /// Those of addresses.
    fn render_of_addresses(&self, language: Language) -> Mail {
        let (german, english) = match self {
            Self::ChangeEmail { .. } => (
                "Jemand möchte diese E-Mail-Adresse für ein Konto verwenden. Wenn Sie das sind, öffnen Sie diesen Link; er gilt einen Tag und einmal:",
                "Somebody wants to use this e-mail address for an account. If it is you, open this link; it works for a day, and once:",
            ),
            _ => (
                "Bestätigen Sie mit diesem Link, dass Sie die E-Mails an diese Adresse lesen; er gilt einen Tag und einmal:",
                "Confirm with this link that you read the mail of this address; it works for a day, and once:",
            ),
        };
        match (self, language) {
            (Self::ConfirmEmail { link } | Self::ChangeEmail { link }, Language::German) => mail(
                "E-Mail-Adresse bestätigen",
                &[german],
                Some(link),
                &["Wenn Sie nicht wissen, worum es geht, ist nichts zu tun."],
            ),
            (Self::ConfirmEmail { link } | Self::ChangeEmail { link }, Language::English) => mail(
                "Confirm your e-mail address",
                &[english],
                Some(link),
                &["If you do not know what this is about, there is nothing to do."],
            ),
            (Self::EmailChangeAsked, Language::German) => mail(
                "Ihr Konto soll eine andere E-Mail-Adresse bekommen",
                &["Jemand, der in Ihrem Konto angemeldet ist, möchte eine andere E-Mail-Adresse dafür."],
                None,
                &["Wenn Sie es nicht sind, setzen Sie gleich ein neues Passwort: Dann geschieht nichts."],
            ),
            (Self::EmailChangeAsked, Language::English) => mail(
                "Your account is to get another e-mail address",
                &["Somebody who has signed in to your account wants another e-mail address for it."],
                None,
                &["If it is not you, set a new password at once: nothing is changed then."],
            ),
            (_, Language::German) => mail(
                "Ihr Konto hat eine andere E-Mail-Adresse",
                &[
                    "Ihr Konto hat jetzt eine andere E-Mail-Adresse als diese. Hierher kommen keine E-Mails mehr.",
                    "Wenn Sie es nicht waren, hat jemand Ihr Konto: Wenden Sie sich an den Betreiber der Plattform.",
                ],
                None,
                &[],
            ),
            (_, Language::English) => mail(
                "Your account has another e-mail address",
                &[
                    "Your account has another e-mail address than this one now. No more mail will come here.",
                    "If it was not you, somebody has your account: turn to whoever runs the platform.",
                ],
                None,
                &[],
            ),
        }
    }
}

fn invitation([tenant, inviter, role]: [&str; 3], link: &str, language: Language) -> Mail {
    match language {
        Language::German => {
            let who = if inviter.is_empty() { "Das Team" } else { inviter };
            let said = format!(
                "{who} lädt Sie zu {tenant} ein, mit der Rolle {role}. Öffnen Sie diesen Link, um anzunehmen oder abzulehnen; er gilt sieben Tage:"
            );
            let after = "Wenn Sie nicht wissen, worum es geht, ist nichts zu tun: Ohne Ihre Zustimmung ändert sich nichts.";
            mail(&format!("Einladung zu {tenant}"), &[&said], Some(link), &[after])
        }
        Language::English => {
            let who = if inviter.is_empty() { "The team" } else { inviter };
            let said = format!(
                "{who} invites you to {tenant}, with the role {role}. Open this link to accept or to decline; it works for seven days:"
            );
            let after = "If you do not know what this is about, there is nothing to do: without your consent nothing changes.";
            mail(&format!("Invitation to {tenant}"), &[&said], Some(link), &[after])
        }
    }
}

/// A letter of paragraphs, with a link between them.
fn mail(subject: &str, before: &[&str], link: Option<&str>, after: &[&str]) -> Mail {
    let mut text = String::new();
    let mut html = "<!doctype html><html><body>".to_owned();
    let mut add = |paragraph: &str, is_link: bool| {
        // Writing to a text cannot fail.
        let _ = write!(text, "{paragraph}\r\n\r\n");
        let shown = escaped(paragraph);
        let _ = if is_link {
            write!(html, "<p><a href=\"{shown}\">{shown}</a></p>")
        } else {
            write!(html, "<p>{shown}</p>")
        };
    };
    for paragraph in before {
        add(paragraph, false);
    }
    if let Some(link) = link {
        add(link, true);
    }
    for paragraph in after {
        add(paragraph, false);
    }
    html.push_str("</body></html>");
    Mail { subject: one_line(subject), text, html }
}

/// Without what would end the header: names are of others.
fn one_line(text: &str) -> String {
    text.chars().map(|one| if one.is_control() { ' ' } else { one }).take(150).collect()
}

/// As HTML shows it, and nothing else.
fn escaped(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for one in text.chars() {
        match one {
            '&' => shown.push_str("&amp;"),
            '<' => shown.push_str("&lt;"),
            '>' => shown.push_str("&gt;"),
            '"' => shown.push_str("&quot;"),
            '\'' => shown.push_str("&#39;"),
            _ => shown.push(one),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_is_in_the_language_that_is_preferred() {
        use Language::{English, German};
        for (accepted, language) in [
            ("", English),
            ("de", German),
            ("de-AT,de;q=0.9,en;q=0.8", German),
            ("en-GB,en;q=0.9,de;q=0.8", English),
            ("fr,de;q=0.3", German),
            ("en;q=0.1, DE;q=0.2", German),
            ("de;q=x", English),
            ("fr", English),
        ] {
            assert_eq!(Language::preferred(accepted), language, "{accepted}");
        }
    }

    #[test]
    fn every_letter_is_in_each_language_and_its_link_is_in_both_parts() {
        let link = "https://app.example/recover#token=x";
        for letter in [
            Letter::Recover { link },
            Letter::PasswordRecovered,
            Letter::ConfirmEmail { link },
            Letter::ChangeEmail { link },
            Letter::EmailChangeAsked,
            Letter::EmailChanged,
        ] {
            let [german, english] = [Language::German, Language::English].map(|one| letter.render(one));
            assert_ne!(german.subject, english.subject);
            let has_link = !matches!(
                letter,
                Letter::PasswordRecovered | Letter::EmailChangeAsked | Letter::EmailChanged
            );
            for mail in [german, english] {
                assert!(mail.html.starts_with("<!doctype html>") && mail.html.ends_with("</html>"));
                assert_eq!((mail.text.contains(link), mail.html.contains(link)), (has_link, has_link));
            }
        }
    }

    #[test]
    fn what_others_wrote_is_neither_markup_nor_another_header() {
        let mail = mail("a\r\nBcc: x@y.example", &["<script>\"'&"], Some("https://x/\"><b>"), &[]);
        assert_eq!(mail.subject, "a  Bcc: x@y.example");
        assert!(
            mail.html.contains("&lt;script&gt;&quot;&#39;&amp;") && !mail.html.contains("<b>"),
            "{}",
            mail.html
        );
    }
}
