//! Rules for texts that people send, by field.

/// Most characters of a name shown to people.
const MAX_NAME: usize = 200;

/// A value that somebody sent and that is not allowed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Field `{field}`: {problem}.")]
pub struct InvalidField {
    /// Where it was sent.
    pub field: &'static str,
    /// What the field takes.
    pub problem: String,
}

impl InvalidField {
    /// A field with what it takes.
    pub fn new(field: &'static str, problem: impl Into<String>) -> Self {
        Self { field, problem: problem.into() }
    }
}

/// A name for people, trimmed.
pub fn name(field: &'static str, name: &str, may_be_empty: bool) -> Result<String, InvalidField> {
    let name = name.trim();
    let fits = name.chars().count() <= MAX_NAME && !name.chars().any(char::is_control);
    if fits && (may_be_empty || !name.is_empty()) {
        return Ok(name.to_owned());
    }
    let least = u8::from(!may_be_empty);
    Err(InvalidField::new(field, format!("takes {least} to {MAX_NAME} characters, no control characters")))
}

/// A short name for addresses and commands.
pub fn slug(field: &'static str, slug: &str) -> Result<(), InvalidField> {
    let fits = (1..=63).contains(&slug.len())
        && !slug.starts_with('-')
        && slug.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if !fits {
        return Err(InvalidField::new(field, "takes 1 to 63 letters, digits and hyphens in lower case"));
    }
    // Those that are being deleted are called so.
    if slug.starts_with("deleted-") {
        return Err(InvalidField::new(field, "takes no name that begins with \"deleted-\""));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_trimmed_and_bounded() {
        assert_eq!(name("name", "  Alpine Stays ", false).as_deref(), Ok("Alpine Stays"));
        assert_eq!(name("name", " ", true).as_deref(), Ok(""));
        for bad in [" ", "a\nb", &"x".repeat(MAX_NAME + 1)] {
            assert!(name("name", bad, false).is_err(), "{bad}");
        }
    }

    #[test]
    fn slugs_are_what_addresses_take() {
        for good in ["a", "7-stays", &"x".repeat(63)] {
            assert!(slug("slug", good).is_ok(), "{good}");
        }
        for bad in ["", "-a", "Alpine", "a b", "ä", &"x".repeat(64), "deleted-stays"] {
            assert!(slug("slug", bad).is_err(), "{bad}");
        }
    }
}
