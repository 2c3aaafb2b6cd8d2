//! The form of e-mail addresses: one mailbox has one. Which of them belong to users is not
//! known here.
//!
//! A domain is compared as IDNA maps it (UTS 46), so that `münchen.example`, its `xn--` form
//! and either with the dot of the root are one; it is kept as people read it. A local part
//! belongs to its own server, which alone knows what is the same there; what nobody tells
//! apart by reading it (case, width, compatible letters) is the same here.

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
        let folded = folded(text);
        let Ok(Address { local, ascii, unicode }) = Address::parse(&folded) else {
            return Ok(Self { normal: folded.clone(), stored: vec![folded] });
        };
        let normal = format!("{local}@{unicode}");
        let mut stored = vec![folded.clone()];
        for form in [normal.clone(), format!("{local}@{ascii}")] {
            if !stored.contains(&form) {
                stored.push(form);
            }
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

/// A text without space around, in lower case and compatibility composed (NFKC).
fn folded(text: &str) -> String {
    composed(&composed(text.trim()).to_lowercase()).trim().to_owned()
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
