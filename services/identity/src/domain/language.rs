//! The languages of letters, and which one somebody prefers.

/// The languages of letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Language {
    /// German.
    German,
    /// English, also for whoever prefers another one.
    #[default]
    English,
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
            if let Some(weight) = weight
                && weight > best.0
            {
                best = (weight, language);
            }
        }
        best.1
    }
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
}
