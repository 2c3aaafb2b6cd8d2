//! The form of e-mail addresses: one mailbox has one. Which of them belong to users is not
//! known here.
//!
//! A domain is compared as IDNA maps it (UTS 46), so that `münchen.example`, its `xn--` form
//! and either with the dot of the root are one; it is kept as people read it. A local part
//! belongs to its own server, which alone knows what is the same there; what nobody tells
//! apart by reading it (case, width, compatible letters) is the same here, and case is folded:
//! `ΟΔΟΣ`, `οδος` and `οδοσ` are one. In domains the two sigmas are two letters.

use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};
use unicode_normalization::UnicodeNormalization;

use super::field::InvalidField;
use super::unseen::is_unseen;

/// Most bytes of an e-mail address, and of its local part (RFC 5321).
const MAX_EMAIL: usize = 254;
const MAX_LOCAL: usize = 64;

/// ASCII characters that a local part has only in quotes (RFC 5322), which are not taken.
const SPECIAL: &str = "()<>[]:;@\\,\"";

/// An e-mail address as somebody wrote it, in the form in which addresses are compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Email {
    /// The form in which it is stored.
    normal: String,
    /// Every form in which it may be stored; earlier versions did not know the domain's.
    stored: Vec<String>,
}

impl Email {
    /// The address that somebody sent, whatever it is. A longer text than an address can be
    /// is not looked at: composed, a letter can become eighteen, so that a kilobyte on the
    /// wire could cost a second and tens of megabytes.
    pub fn read(text: &str) -> Result<Self, InvalidField> {
        if text.len() > MAX_EMAIL {
            return Err(InvalidField::new("email", format!("takes at most {MAX_EMAIL} bytes")));
        }
        let (folded, before) = (folded(text), folded_before(text));
        let Ok(Address { local, ascii, unicode }) = Address::parse(&folded) else {
            return Ok(Self { normal: before.clone(), stored: vec![before] });
        };
        let local = case_folded(local);
        let normal = format!("{local}@{unicode}");
        let mut stored = vec![before.clone()];
        let mut add = |local: &str, domains: [&str; 2]| {
            for form in domains.map(|domain| format!("{local}@{domain}")) {
                if !stored.contains(&form) {
                    stored.push(form);
                }
            }
        };
        add(&local, [&unicode, &ascii]);
        if let Ok(written) = Address::parse(&before) {
            add(written.local, [&written.unicode, &written.ascii]);
        }
        for local in [with_ends(&local), lowered_before(&local)] {
            add(&local, [&unicode, &ascii]);
        }
        Ok(Self { normal, stored })
    }

    /// An address that a user may have.
    pub fn checked(text: &str) -> Result<Self, InvalidField> {
        let email = Self::read(text)?;
        Address::parse(&email.normal).map_err(|problem| InvalidField::new("email", problem))?;
        Ok(email)
    }

    /// The address, as it is stored.
    pub fn as_str(&self) -> &str {
        &self.normal
    }

    /// The forms in which it may be stored, as it was written first.
    pub fn stored(&self) -> &[String] {
        &self.stored
    }
}

/// An address taken apart.
struct Address<'a> {
    local: &'a str,
    /// The domain as the DNS has it.
    ascii: String,
    /// The domain as people read it.
    unicode: String,
}

impl<'a> Address<'a> {
    /// Takes a folded address apart, or says what is wrong with it.
    fn parse(folded: &'a str) -> Result<Self, &'static str> {
        let (local, domain) = folded.split_once('@').ok_or("must be an e-mail address")?;
        if local.len() > MAX_LOCAL {
            return Err("must be an e-mail address: before the @ are 64 bytes at most");
        }
        let dots = local.split('.').any(str::is_empty);
        if dots || local.chars().any(|one| SPECIAL.contains(one) || is_unseen(one)) {
            return Err("must be an e-mail address: before the @ are letters, digits, marks and single dots");
        }
        // What cannot be seen IDNA leaves out: it would be another spelling of the same.
        let seen = Some(domain).filter(|domain| !domain.chars().any(is_unseen));
        let (idna, deny, hyphens) = (Uts46::new(), AsciiDenyList::STD3, Hyphens::CheckFirstLast);
        let ascii = seen
            .and_then(|name| {
                idna.to_ascii(name.as_bytes(), deny, hyphens, DnsLength::VerifyAllowRootDot).ok()
            })
            .filter(|name| name != ".")
            .ok_or("must be an e-mail address: after the @ is the name of a domain")?;
        // The dot of the root is no part of an address (RFC 5321), and changes no mailbox.
        let ascii = ascii.strip_suffix('.').unwrap_or(&ascii);
        let (unicode, _) = idna.to_unicode(ascii.as_bytes(), deny, hyphens);
        let address = Self { local, unicode: unicode.into_owned(), ascii: ascii.to_owned() };
        if local.len() + 1 + address.ascii.len().max(address.unicode.len()) > MAX_EMAIL {
            return Err("must be an e-mail address: it has 254 bytes at most");
        }
        Ok(address)
    }
}

/// A text without space around, in lower case and compatibility composed (NFKC). Letters are
/// lowered one by one, whatever stands beside them, as IDNA does it.
fn folded(text: &str) -> String {
    let lowered: String = composed(text.trim()).chars().flat_map(char::to_lowercase).collect();
    composed(&lowered).trim().to_owned()
}

/// The same as earlier versions did it, who wrote a sigma as it is at the end of a word.
fn folded_before(text: &str) -> String {
    composed(&composed(text.trim()).to_lowercase()).trim().to_owned()
}

/// A local part, in lower case, as letters are compared without their case: those whose forms
/// have one capital are one (the lines of CaseFolding.txt of Unicode with status C that lower case
/// and NFKC leave, those of letters; U+0345 is a mark).
fn case_folded(local: &str) -> String {
    let fold = |one| match one {
        'ς' => 'σ',
        '\u{1c80}' => 'в',
        '\u{1c81}' => 'д',
        '\u{1c82}' => 'о',
        '\u{1c83}' => 'с',
        '\u{1c84}' | '\u{1c85}' => 'т',
        '\u{1c86}' => 'ъ',
        '\u{1c87}' => 'ѣ',
        '\u{1c88}' => 'ꙋ',
        other => other,
    };
    local.chars().map(fold).collect()
}

/// A folded local part as people write it: with the sigma of the end of a word there.
fn with_ends(local: &str) -> String {
    let next = local.chars().skip(1).map(Some).chain([None]);
    let ends = |one, next: Option<char>| one == 'σ' && !next.is_some_and(char::is_alphabetic);
    local.chars().zip(next).map(|(one, next)| if ends(one, next) { 'ς' } else { one }).collect()
}

/// A folded local part as an earlier version has stored it whose owner wrote capitals.
fn lowered_before(local: &str) -> String {
    local.replace('σ', "Σ").to_lowercase()
}

fn composed(text: &str) -> String {
    #[cfg(test)]
    tests::COMPOSED.with(|bytes| bytes.set(bytes.get() + text.len()));
    text.nfkc().collect()
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    thread_local! {
        /// Bytes that were composed in this thread.
        pub(super) static COMPOSED: Cell<usize> = const { Cell::new(0) };
    }

    #[test]
    fn a_text_longer_than_an_address_is_not_composed() {
        let composed = |text: &str| {
            COMPOSED.with(|bytes| bytes.set(0));
            (Email::read(text).is_err(), COMPOSED.with(Cell::get) > 0)
        };
        for long in [
            "\u{fdfa}".repeat(340_000),
            "x".repeat(MAX_EMAIL + 1),
            format!("a@b.example{}", " ".repeat(MAX_EMAIL)),
        ] {
            assert_eq!(composed(&long), (true, false), "{} bytes", long.len());
            assert!(Email::checked(&long).is_err() && COMPOSED.with(Cell::get) == 0);
        }
        assert_eq!(composed(&"\u{fdfa}".repeat(84)), (false, true));
    }

    #[test]
    fn spellings_of_an_address_are_one() {
        for (address, spellings) in [
            (
                "a@alpine.example",
                &[
                    "A@Alpine.example",
                    " a@alpine.EXAMPLE\n",
                    "ａ@alpine.example",
                    "a@alpine．example",
                    "a@alpine。example.",
                ][..],
            ),
            ("οδοσ@x.example", &["ΟΔΟΣ@x.example", "οδος@x.example", "οδοσ@x.example", "Οδοσ@X.example"]),
            ("σοφοσ.α@οδοσ.example", &["ΣΟΦΟΣ.Α@ΟΔΟΣ.example", "σοφος.α@xn--pxavbq.example"]),
            (
                "x@münchen.example",
                &[
                    "x@MÜNCHEN.example",
                    "X@xn--mnchen-3ya.example",
                    "x@xn--mnchen-3ya.example.",
                    "x@mu\u{308}nchen.example",
                    "x@m\u{fc}nchen.example.",
                ],
            ),
        ] {
            for spelling in spellings {
                let email = Email::checked(spelling).unwrap();
                assert_eq!(email.as_str(), address, "{spelling}");
                assert!(email.stored().iter().any(|one| one == address), "{spelling}");
            }
        }
        assert_ne!(Email::checked("ä@x").unwrap().as_str(), Email::checked("a@x").unwrap().as_str());
    }

    #[test]
    fn what_is_stored_in_an_earlier_form_is_still_looked_for_as_it_was_written_first() {
        let stored = |text: &str| Email::read(text).unwrap().stored().to_vec();
        assert_eq!(stored("A@alpine.example"), ["a@alpine.example"]);
        let (unicode, ascii) = ("x@münchen.example", "x@xn--mnchen-3ya.example");
        assert_eq!(stored(unicode), [unicode, ascii]);
        assert_eq!(stored(ascii), [ascii, unicode]);
        let dotted = "x@xn--mnchen-3ya.example.";
        assert_eq!(stored(dotted), [dotted, unicode, ascii]);
        // Nobody gets such an address any more, and whoever has one signs in with it.
        for odd in ["x\u{200b}@b.example", "a@x..example", "<a@x.example>"] {
            assert!(Email::checked(odd).is_err());
            assert_eq!(stored(odd), [odd]);
        }
    }

    #[test]
    fn sigmas_of_before_are_still_looked_for_and_are_two_letters_in_domains() {
        let stored = |text: &str| Email::read(text).unwrap().stored().to_vec();
        // Whoever wrote capitals is stored with the sigma of the end of a word.
        assert_eq!(stored("ΟΔΟΣ@x.example"), ["οδος@x.example", "οδοσ@x.example"]);
        assert_eq!(stored("οδοσ@x.example"), ["οδοσ@x.example", "οδος@x.example"]);
        assert_eq!(stored("σοφοσ.α@x.example"), ["σοφοσ.α@x.example", "σοφος.α@x.example"]);
        assert_eq!(stored("ΣΟΦΟΣ.Α@x.example"), ["σοφοσ.α@x.example", "σοφος.α@x.example"]);
        let domain = |text: &str| Email::read(text).unwrap().as_str().to_owned();
        assert_ne!(domain("a@οδος.example"), domain("a@οδοσ.example"));
        assert_eq!(domain("a@ΟΔΟΣ.example"), domain("a@οδοσ.example"));
    }

    #[test]
    fn what_is_not_shaped_like_an_address_is_refused() {
        let local = "x".repeat(MAX_LOCAL);
        for good in [
            " A@b ",
            "o'neil+tag/1@b.example",
            "dörte.groß@b.example",
            "a@b-c.example",
            &format!("{local}@b"),
            &format!("a@{}", "y.".repeat(126)),
        ] {
            assert!(Email::checked(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "a",
            "@b",
            "a@",
            "a@b@c",
            "a b@c",
            ".a@b",
            "a.@b",
            "a..b@c",
            "\"a b\"@c",
            "<a@x.example>",
            "a@x..example",
            "a@.example",
            "a@example..",
            "a@-x.example",
            "a@x-.example",
            "a@x_y.example",
            "a@[192.0.2.1]",
            "a@x\u{200b}.example",
            "x\u{200b}@b.example",
            "x\u{ad}@b.example",
            "x\u{202e}@b.example",
            "a@x\u{ad}.example",
            "a@xn--a.example",
            &format!("{local}x@b"),
            &format!("{local}@{}.example", "y".repeat(64)),
            &format!("a@{}", "y.".repeat(127)),
            &format!("{}@b", "x".repeat(MAX_EMAIL)),
        ] {
            assert!(Email::checked(bad).is_err(), "{bad}");
        }
    }
}
