//! Letters about second factors. They have no link: what there is to do is done by somebody who
//! has signed in, and who does not wait for mail.

use super::factor::FactorKind;
use super::language::Language;
use super::paragraphs::{Mail, mail};

/// A factor that counts from now on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Activated {
    /// What it is.
    pub kind: FactorKind,
    /// Whether it is a passkey that signs in alone.
    pub signs_in_alone: bool,
    /// Whether the account had none before.
    pub is_first: bool,
}

/// The account has one more that counts. A first one that somebody else has set up is removed by
/// an operator alone: its user has no other one to prove.
pub(super) fn activated(Activated { kind, signs_in_alone, is_first }: Activated, language: Language) -> Mail {
    let what = name(kind, language);
    match language {
        Language::German => {
            let has =
                if is_first { "hat jetzt einen zweiten Faktor" } else { "hat einen weiteren zweiten Faktor" };
            let said = format!(
                "Ihr Konto {has}: {what}. Wer auf anderen Geräten angemeldet war, ist es nicht mehr."
            );
            let alone = match (kind, signs_in_alone) {
                (FactorKind::Passkey, true) => "Mit dem Passkey kann man sich auch ohne Passwort anmelden.",
                (FactorKind::Passkey, false) => "Der Passkey gilt nur zusammen mit dem Passwort.",
                (FactorKind::Totp | FactorKind::Other, _) => "",
            };
            let after = if is_first {
                "Wenn Sie es nicht waren, hat jemand Zugang zu Ihrem Konto: Setzen Sie über „Passwort vergessen“ ein neues Passwort, und bitten Sie den Betreiber der Plattform, selbst oder durch einen Administrator Ihrer Organisation, Ihre zweiten Faktoren zurückzusetzen. Selbst entfernen können Sie den Faktor nicht: Dazu muss man ihn haben."
            } else {
                "Wenn Sie es nicht waren, hat jemand Zugang zu Ihrem Konto: Setzen Sie über „Passwort vergessen“ ein neues Passwort, melden Sie sich damit und mit Ihrem eigenen zweiten Faktor an, und entfernen Sie den neuen. Wenn das nicht gelingt, wenden Sie sich an den Betreiber der Plattform."
            };
            letter("Ihr Konto hat einen neuen zweiten Faktor", &[&said, alone, after])
        }
        Language::English => {
            let has = if is_first { "has a second factor now" } else { "has one more second factor" };
            let said =
                format!("Your account {has}: {what}. Whoever had signed in on other devices is signed out.");
            let alone = match (kind, signs_in_alone) {
                (FactorKind::Passkey, true) => "With the passkey one can sign in without the password, too.",
                (FactorKind::Passkey, false) => "The passkey counts together with the password only.",
                (FactorKind::Totp | FactorKind::Other, _) => "",
            };
            let after = if is_first {
                "If it was not you, somebody has access to your account: set a new password by \"forgotten password\", and ask whoever runs the platform, yourself or through an administrator of your organisation, to reset your second factors. You cannot remove the factor yourself: for that one has to have it."
            } else {
                "If it was not you, somebody has access to your account: set a new password by \"forgotten password\", sign in with it and with your own second factor, and remove the new one. If you cannot, turn to whoever runs the platform."
            };
            letter("Your account has a new second factor", &[&said, alone, after])
        }
    }
}

/// It has one less.
pub(super) fn removed(kind: FactorKind, language: Language) -> Mail {
    let what = name(kind, language);
    match language {
        Language::German => {
            let said = format!(
                "Ein zweiter Faktor Ihres Kontos wurde entfernt: {what}. Wer auf anderen Geräten angemeldet war, ist es nicht mehr."
            );
            let after = "Wenn Sie es nicht waren, hat jemand Zugang zu Ihrem Konto: Setzen Sie über „Passwort vergessen“ ein neues Passwort, und richten Sie wieder einen zweiten Faktor ein. Wenn Sie sich nicht mehr anmelden können, bitten Sie den Betreiber der Plattform, Ihre zweiten Faktoren zurückzusetzen.";
            letter("Ein zweiter Faktor Ihres Kontos wurde entfernt", &[&said, after])
        }
        Language::English => {
            let said = format!(
                "A second factor of your account was removed: {what}. Whoever had signed in on other devices is signed out."
            );
            let after = "If it was not you, somebody has access to your account: set a new password by \"forgotten password\", and set up a second factor again. If you cannot sign in any more, ask whoever runs the platform to reset your second factors.";
            letter("A second factor of your account was removed", &[&said, after])
        }
    }
}

/// An operator has removed all of them.
pub(super) fn reset(language: Language) -> Mail {
    match language {
        Language::German => letter(
            "Die zweiten Faktoren Ihres Kontos wurden zurückgesetzt",
            &[
                "Der Betreiber der Plattform hat alle zweiten Faktoren Ihres Kontos und die Wiederherstellungscodes entfernt. Wer angemeldet war, ist es nicht mehr.",
                "Melden Sie sich mit dem Passwort an, und richten Sie wieder einen zweiten Faktor ein. Wenn Sie nicht darum gebeten haben, setzen Sie zuerst über „Passwort vergessen“ ein neues Passwort, und wenden Sie sich an den Betreiber der Plattform.",
            ],
        ),
        Language::English => letter(
            "The second factors of your account were reset",
            &[
                "Whoever runs the platform has removed all second factors of your account, and its recovery codes. Whoever had signed in is signed out.",
                "Sign in with the password, and set up a second factor again. If you did not ask for it, set a new password by \"forgotten password\" first, and turn to whoever runs the platform.",
            ],
        ),
    }
}

/// Somebody has used what looks like a copy of a passkey, which has ceased to sign in alone by it.
pub(super) fn copied(language: Language) -> Mail {
    match language {
        Language::German => letter(
            "Jemand hat vielleicht eine Kopie Ihres Passkeys",
            &[
                "Ein Passkey Ihres Kontos wurde verwendet, und sein Zähler ist nicht höher als beim letzten Mal, wie bei einer Kopie. Er wurde abgelehnt und gilt jetzt nur noch zusammen mit dem Passwort. Wer auf anderen Geräten angemeldet war, ist es nicht mehr.",
                "Entfernen Sie den Passkey, und richten Sie einen neuen ein, auch wenn Sie es selbst waren: Niemand kann die Kopie vom Passkey unterscheiden. Wenn der Passkey abgelehnt wird, melden Sie sich mit dem Passwort und einem Wiederherstellungscode an.",
            ],
        ),
        Language::English => letter(
            "Somebody may have a copy of your passkey",
            &[
                "A passkey of your account was used, and its counter is not higher than the last time, which is what a copy looks like. It was refused, and counts together with the password only from now on. Whoever had signed in on other devices is signed out.",
                "Remove the passkey and set up another one, also if it was you: nobody can tell the copy from the passkey. If the passkey is refused, sign in with the password and a recovery code.",
            ],
        ),
    }
}

fn letter(subject: &str, paragraphs: &[&str]) -> Mail {
    let said: Vec<&str> = paragraphs.iter().copied().filter(|paragraph| !paragraph.is_empty()).collect();
    mail(subject, &said, None, &[])
}

/// What a factor is, without its name: that is what somebody wrote who may not be the user.
fn name(kind: FactorKind, language: Language) -> &'static str {
    match (kind, language) {
        (FactorKind::Totp, Language::German) => "eine App, die Codes zeigt",
        (FactorKind::Totp, Language::English) => "an app that shows codes",
        (FactorKind::Passkey, Language::German) => "ein Passkey",
        (FactorKind::Passkey, Language::English) => "a passkey",
        (FactorKind::Other, Language::German) => "einer von anderer Art",
        (FactorKind::Other, Language::English) => "one of another kind",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use Language::{English, German};

    #[test]
    fn a_letter_says_which_kind_it_is_and_whether_a_passkey_signs_in_alone() {
        for (kind, language, what) in [
            (FactorKind::Totp, German, "eine App"),
            (FactorKind::Totp, English, "an app"),
            (FactorKind::Passkey, German, "ein Passkey"),
            (FactorKind::Passkey, English, "a passkey"),
            (FactorKind::Other, German, "anderer Art"),
            (FactorKind::Other, English, "another kind"),
        ] {
            for signs_in_alone in [false, true] {
                let made = activated(Activated { kind, signs_in_alone, is_first: false }, language);
                let gone = removed(kind, language);
                assert!(made.text.contains(what) && gone.text.contains(what), "{made:?} {gone:?}");
                let said = |german: &str, english: &str| {
                    made.text.contains(if language == German { german } else { english })
                };
                let is_passkey = kind == FactorKind::Passkey;
                assert_eq!(said("ohne Passwort", "without the password"), is_passkey && signs_in_alone);
                assert_eq!(said("nur zusammen mit", "together with the"), is_passkey && !signs_in_alone);
                assert!(!made.text.contains("\r\n\r\n\r\n") && !made.html.contains("<p></p>"), "{made:?}");
            }
        }
    }

    /// Whoever has no other factor gets nowhere by signing in with a new password.
    #[test]
    fn of_a_first_factor_its_user_learns_who_removes_it_and_of_another_one_how_to_remove_it() {
        let reset = "bitten Sie den Betreiber der Plattform, selbst oder durch einen Administrator Ihrer Organisation, Ihre zweiten Faktoren zurückzusetzen";
        for (language, reset, remove) in [
            (German, reset, "entfernen Sie den neuen"),
            (
                English,
                "ask whoever runs the platform, yourself or through an administrator of your organisation, to reset your second factors",
                "remove the new one",
            ),
        ] {
            for (is_first, wanted, unwanted) in [(true, reset, remove), (false, remove, reset)] {
                let one = Activated { kind: FactorKind::Totp, signs_in_alone: false, is_first };
                let text = activated(one, language).text;
                assert!(text.contains(wanted) && !text.contains(unwanted), "{text}");
            }
        }
    }
}
