//! The form of e-mail addresses. Which of them belong to users is not known here.

use unicode_normalization::UnicodeNormalization;

/// The form in which e-mail addresses are stored and compared: compatibility
/// composed (NFKC), lower case, without space around.
pub fn normalised_email(email: &str) -> String {
    email.trim().nfkc().collect::<String>().to_lowercase().nfkc().collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_an_address_are_one() {
        for spelling in ["A@Alpine.example", " a@alpine.EXAMPLE\n", "ａ@alpine.example", "a@alpine．example"]
        {
            assert_eq!(normalised_email(spelling), "a@alpine.example", "{spelling}");
        }
        assert_ne!(normalised_email("ä@x"), normalised_email("a@x"));
    }
}
