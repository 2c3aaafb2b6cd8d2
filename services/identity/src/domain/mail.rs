//! The letters that people get, in their words: German and English. Who sends them, and when,
//! is not known here.
//!
//! A letter is rendered when it is written, so that what it says is what was the case. Texts
//! of others (names) are escaped in HTML, on one line, and written so that no mail program
//! takes a part of them for an address; the letter's link is the only one.

use jiff::SignedDuration;

use super::factor::FactorKind;
use super::one_time_token::Purpose;
use super::paragraphs::{mail, without_addresses};
use super::{factor_letters, invitation};

pub use super::factor_letters::Activated;
pub use super::language::Language;
pub use super::paragraphs::Mail;

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
    /// The account has one more second factor that counts.
    FactorActivated(Activated),
    /// It has one less.
    FactorRemoved(FactorKind),
    /// An operator has removed all of them.
    FactorsReset,
    /// Somebody has used what looks like a copy of a passkey of the account.
    PasskeyCopied,
}

impl Letter<'_> {
    /// What it is called in the outbox and in the log.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Recover { .. } => Purpose::Recover.word(),
            Self::Invitation { .. } => "invitation",
            Self::PasswordRecovered => "password_recovered",
            Self::ConfirmEmail { .. } => Purpose::ConfirmEmail.word(),
            Self::ChangeEmail { .. } => Purpose::ChangeEmail.word(),
            Self::EmailChangeAsked => "email_change_asked",
            Self::EmailChanged => "email_changed",
            Self::FactorActivated(_) => "factor_activated",
            Self::FactorRemoved(_) => "factor_removed",
            Self::FactorsReset => "factors_reset",
            Self::PasskeyCopied => "passkey_copied",
        }
    }

    /// How long its link works; nothing where it has none.
    pub fn life(&self) -> Option<SignedDuration> {
        match self {
            Self::Recover { .. } => Some(Purpose::Recover.life()),
            Self::Invitation { .. } => Some(invitation::LIFE),
            Self::ConfirmEmail { .. } => Some(Purpose::ConfirmEmail.life()),
            Self::ChangeEmail { .. } => Some(Purpose::ChangeEmail.life()),
            Self::PasswordRecovered
            | Self::EmailChangeAsked
            | Self::EmailChanged
            | Self::FactorActivated(_)
            | Self::FactorRemoved(_)
            | Self::FactorsReset
            | Self::PasskeyCopied => None,
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
                invitation_to([*tenant, *inviter, *role], link, language)
            }
            (
                Self::ConfirmEmail { .. }
                | Self::ChangeEmail { .. }
                | Self::EmailChangeAsked
                | Self::EmailChanged,
                _,
            ) => self.render_of_addresses(language),
            (Self::FactorActivated(activated), _) => factor_letters::activated(*activated, language),
            (Self::FactorRemoved(kind), _) => factor_letters::removed(*kind, language),
            (Self::FactorsReset, _) => factor_letters::reset(language),
            (Self::PasskeyCopied, _) => factor_letters::copied(language),
            (Self::PasswordRecovered, German) => mail(
                "Ihr Passwort wurde geändert",
                &[
                    "Das Passwort Ihres Kontos wurde über einen Link geändert, der an diese Adresse ging. Wer auf anderen Geräten angemeldet war, ist es nicht mehr.",
                    "Wenn Sie es nicht waren, liest jemand Ihre E-Mails: Sichern Sie zuerst Ihr Postfach, und setzen Sie dann ein neues Passwort.",
                ],
                None,
                &[],
            ),
            (Self::PasswordRecovered, English) => mail(
                "Your password was changed",
                &[
                    "The password of your account was changed by a link that was sent to this address. Whoever had signed in on other devices is signed out.",
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

fn invitation_to(names: [&str; 3], link: &str, language: Language) -> Mail {
    let [tenant, inviter, role] = &names.map(without_addresses);
    match language {
        Language::German => {
            let who = if inviter.is_empty() { "Das Team" } else { inviter.as_str() };
            let said = format!(
                "{who} lädt Sie zu {tenant} ein, mit der Rolle {role}. Öffnen Sie diesen Link, um anzunehmen oder abzulehnen; er gilt sieben Tage:"
            );
            let after = "Wenn Sie nicht wissen, worum es geht, ist nichts zu tun: Ohne Ihre Zustimmung ändert sich nichts.";
            mail(&format!("Einladung zu {tenant}"), &[&said], Some(link), &[after])
        }
        Language::English => {
            let who = if inviter.is_empty() { "The team" } else { inviter.as_str() };
            let said = format!(
                "{who} invites you to {tenant}, with the role {role}. Open this link to accept or to decline; it works for seven days:"
            );
            let after = "If you do not know what this is about, there is nothing to do: without your consent nothing changes.";
            mail(&format!("Invitation to {tenant}"), &[&said], Some(link), &[after])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_letter_is_in_each_language_and_its_link_is_in_both_parts() {
        let link = "https://app.example/recover#token=x";
        for letter in [
            Letter::Recover { link },
            Letter::Invitation { tenant: "Alpine Stays", inviter: "", role: "viewer", link },
            Letter::PasswordRecovered,
            Letter::ConfirmEmail { link },
            Letter::ChangeEmail { link },
            Letter::EmailChangeAsked,
            Letter::EmailChanged,
            Letter::FactorActivated(Activated {
                kind: FactorKind::Totp,
                signs_in_alone: false,
                is_first: true,
            }),
            Letter::FactorRemoved(FactorKind::Passkey),
            Letter::FactorsReset,
            Letter::PasskeyCopied,
        ] {
            let [german, english] = [Language::German, Language::English].map(|one| letter.render(one));
            assert_ne!(german.subject, english.subject);
            let has_link = format!("{letter:?}").contains(link);
            assert_eq!(letter.life().is_some(), has_link, "{letter:?}");
            for mail in [german, english] {
                assert!(mail.html.starts_with("<!doctype html>") && mail.html.ends_with("</html>"));
                assert_eq!((mail.text.contains(link), mail.html.contains(link)), (has_link, has_link));
            }
        }
    }

    /// Before, whoever could invite sent any link to anybody, under our name.
    #[test]
    fn no_name_becomes_an_address_or_a_paragraph() {
        let link = "https://app.example/invitation#token=x";
        for (name, shown) in [
            ("Prize at https://evil.example/x", "Prize at https: //evil. example/x"),
            ("WWW.evil.example", "WWW. evil. example"),
            ("evil.example", "evil. example"),
            ("evil\u{3002}example", "evil\u{3002} example"),
            ("a@evil.example", "a @ evil. example"),
            ("Your account\r\n\r\nis closed", "Your account    is closed"),
            ("St. Moritz No. 7", "St. Moritz No. 7"),
            ("Alpine Stays Ltd.", "Alpine Stays Ltd."),
        ] {
            for names in [[name, "Olga"], ["Alpine", name]] {
                let [tenant, inviter] = names;
                let letter = Letter::Invitation { tenant, inviter, role: "viewer", link };
                for language in [Language::German, Language::English] {
                    let mail = letter.render(language);
                    assert!(mail.text.contains(shown) && mail.html.contains(shown), "{mail:?}");
                    assert!(mail.subject.contains(shown) || tenant != name, "{mail:?}");
                    assert!(name == shown || !format!("{mail:?}").contains(name), "{mail:?}");
                    assert_eq!(mail.text.matches("://").count(), 1, "{mail:?}");
                }
            }
        }
    }
}
