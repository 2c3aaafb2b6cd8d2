//! The form of e-mail addresses. Which of them belong to users is not known here.

use unicode_normalization::UnicodeNormalization;

use super::field::InvalidField;

/// Most bytes of an e-mail address (RFC 5321).
const MAX_EMAIL: usize = 254;

/// An e-mail address in the form in which addresses are stored and compared:
/// compatibility composed (NFKC), lower case, without space around.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Email(String);

impl Email {
    /// The normal form of what somebody sent, whatever it is.
    pub fn normalised(text: &str) -> Self {
        let folded = text.trim().nfkc().collect::<String>().to_lowercase();
        Self(folded.nfkc().collect::<String>().trim().to_owned())
    }

    /// The normal form of an address that a user may have.
    pub fn checked(text: &str) -> Result<Self, InvalidField> {
        let email = Self::normalised(text);
        let parts = email.0.split_once('@');
        let shaped = email.0.len() <= MAX_EMAIL
            && !email.0.chars().any(|char| char.is_control() || char.is_whitespace())
            && parts.is_some_and(|(local, domain)| {
                !local.is_empty() && !domain.is_empty() && !domain.contains('@')
            });
        if shaped { Ok(email) } else { Err(InvalidField::new("email", "must be an e-mail address")) }
    }

    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_an_address_are_one() {
        for spelling in ["A@Alpine.example", " a@alpine.EXAMPLE\n", "ａ@alpine.example", "a@alpine．example"]
        {
            assert_eq!(Email::normalised(spelling).as_str(), "a@alpine.example", "{spelling}");
        }
        assert_ne!(Email::normalised("ä@x"), Email::normalised("a@x"));
    }

    #[test]
    fn what_is_not_shaped_like_an_address_is_refused() {
        assert!(Email::checked(" A@b ").is_ok());
        for bad in ["", "a", "@b", "a@", "a@b@c", "a b@c", &format!("{}@b", "x".repeat(MAX_EMAIL))] {
            assert!(Email::checked(bad).is_err(), "{bad}");
        }
    }
}
