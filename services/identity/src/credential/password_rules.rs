//! Which passwords may be set, and the form in which one is hashed. How is not known here.
//!
//! The rules are those of NIST SP 800-63B: a length, and nothing that is guessed first. No
//! kinds of characters are asked for. The form is `OpaqueString` (RFC 8265): the keyboards of
//! a phone and of a desk code `ü` and spaces differently, and it is one password.

use unicode_normalization::UnicodeNormalization;
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};
use zeroize::Zeroizing;

use crate::domain::field::InvalidField;
use crate::domain::unseen::is_unseen;

/// Most characters of a password.
const MAX_LEN: usize = 256;
/// Most bytes of one, however it is spelled: a character that is taken apart (NFD) has nine at most,
/// as a syllable of Hangul of three letters.
const MOST_BYTES: usize = 9 * MAX_LEN;
/// Fewest characters of a password that is set.
const MIN_LEN: usize = 8;

/// What people choose most, and where the list is from.
const COMMON: &str = include_str!("common_passwords.txt");

/// A password as it is hashed.
pub fn prepared(password: &str) -> Zeroizing<String> {
    let spaces =
        |one: char| if one.general_category() == GeneralCategory::SpaceSeparator { ' ' } else { one };
    Zeroizing::new(password.chars().map(spaces).nfc().collect())
}

/// Whether a password may be set for the user with this e-mail address.
pub fn check_new(field: &'static str, password: &str, email: &str) -> Result<(), InvalidField> {
    // As it is hashed: a letter and its mark are one character (RFC 8265, section 4.2.1).
    let length = prepared_length(password);
    if length.is_none_or(|length| !(MIN_LEN..=MAX_LEN).contains(&length)) {
        return Err(InvalidField::new(field, format!("takes {MIN_LEN} to {MAX_LEN} characters")));
    }
    let folded = Zeroizing::new(prepared(password).to_lowercase());
    let local_part = email.split_once('@').map_or(email, |(local, _)| local);
    let problem = if folded.chars().all(is_unseen) {
        "must not be blank"
    } else if [email, local_part].contains(&folded.as_str()) {
        "must not be the e-mail address or the name in it, which are guessed first"
    } else if is_common(&folded) {
        "is among the passwords that most people choose, which are guessed first; take another one"
    } else {
        return Ok(());
    };
    Err(InvalidField::new(field, problem))
}

/// Whether a password can be anybody's.
pub fn check_sent(field: &'static str, password: &str) -> Result<(), InvalidField> {
    let length = prepared_length(password);
    // Earlier versions counted what was sent.
    let length = length.map(|length| length.min(password.chars().count()));
    if password.is_empty() || length.is_none_or(|length| length > MAX_LEN) {
        return Err(InvalidField::new(field, format!("takes 1 to {MAX_LEN} characters")));
    }
    Ok(())
}

/// How many characters a password has as it is hashed; none if it has more bytes than one can
/// have, with its letters and their marks apart, which is not looked at.
fn prepared_length(password: &str) -> Option<usize> {
    (password.len() <= MOST_BYTES).then(|| prepared(password).chars().count())
}

/// Whether the list has a password, which is looked for by halves.
fn is_common(folded: &str) -> bool {
    let mut rest = COMMON;
    while !rest.is_empty() {
        let middle = rest.as_bytes()[..rest.len() / 2].iter().rposition(|byte| *byte == b'\n');
        let (before, from) = rest.split_at(middle.map_or(0, |newline| newline + 1));
        let (line, after) = from.split_once('\n').unwrap_or((from, ""));
        // What says where the list is from stands before it.
        match if line.starts_with('#') { std::cmp::Ordering::Less } else { line.cmp(folded) } {
            std::cmp::Ordering::Equal => return true,
            std::cmp::Ordering::Less => rest = after,
            std::cmp::Ordering::Greater => rest = before,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_a_password_are_one() {
        for (spelling, password) in [
            ("u\u{308}ber\u{a0}allem", "über allem"),
            ("über\u{3000}allem", "über allem"),
            ("Ⅷ ﬁnger", "Ⅷ ﬁnger"),
            ("tab\tand case", "tab\tand case"),
        ] {
            assert_eq!(*prepared(spelling), password);
        }
        assert_ne!(*prepared("Passphrase"), *prepared("passphrase"));
    }

    #[test]
    fn what_is_guessed_first_is_refused_with_the_reason() {
        let problem = |password: &str| {
            check_new("password", password, "reception@alpine.example").map_err(|error| error.problem)
        };
        for good in ["demo-password", "receptions", "ünüberwindlich", "correct horse battery staple"] {
            assert_eq!(problem(good), Ok(()), "{good}");
        }
        for (bad, why) in [
            ("short", "8 to 256"),
            ("e\u{301}a\u{308}o\u{308}u\u{308}", "8 to 256"),
            (&*"ü".repeat(257), "8 to 256"),
            (&*"x".repeat(257), "8 to 256"),
            ("        ", "blank"),
            ("\u{a0}\u{200b}\u{2800}\u{3000}\u{3164}\u{ad}  ", "blank"),
            ("Reception@Alpine.example", "address"),
            ("RECEPTION", "address"),
            ("password", "most people"),
            ("PassWord1", "most people"),
            ("12345678", "most people"),
            ("qwertyuiop", "most people"),
        ] {
            assert!(problem(bad).is_err_and(|problem| problem.contains(why)), "{bad}");
        }
    }

    /// A message has a limit of its own for what is sent (`max_length` in the proto).
    #[test]
    fn a_password_that_may_be_set_may_be_anybodys_however_it_is_spelled() {
        for letter in ["ü", "ệ", "각", "\u{ddd}"] {
            let (composed, apart) = (letter.repeat(256), letter.nfd().collect::<String>().repeat(256));
            assert!(apart.len() > composed.len() && apart.len() <= MOST_BYTES, "{letter}");
            for password in [&composed, &apart] {
                assert_eq!(check_new("password", password, "a@b.example"), Ok(()), "{letter}");
                assert_eq!(check_sent("password", password), Ok(()), "{letter}");
            }
        }
        // One of before, which becomes longer when it is prepared.
        let longer = "\u{fb2c}".repeat(200);
        assert!(check_new("password", &longer, "a@b.example").is_err());
        assert_eq!(check_sent("password", &longer), Ok(()));
        assert!(check_sent("password", &"x".repeat(257)).is_err());
        assert!(check_sent("password", "").is_err());
    }

    #[test]
    fn the_list_is_whole_sorted_and_small() {
        let list: Vec<&str> = COMMON.lines().filter(|line| !line.starts_with('#')).collect();
        assert!(list.is_sorted() && list.len() > 10_000 && COMMON.len() < 200_000, "{}", list.len());
        assert!(list.iter().all(|one| one.chars().count() >= MIN_LEN && one.to_lowercase() == **one));
        assert!(list.iter().all(|one| is_common(one)), "by halves all are found");
        for other in ["", "#", "# Copyright", "MIT License", "password\n", "zzzzzzzzzzzz", "!"] {
            assert!(!is_common(other), "{other}");
        }
    }
}
