//! How an id of another system may be spelled. Ours are kept composed (Unicode NFC), and
//! what is asked for is composed before it comes here; but a program on macOS writes the
//! accents after their letters, and its ids and ours are one. An index has one
//! spelling, so both are looked up. Names are found by keys that the database makes.

use unicode_normalization::UnicodeNormalization;

/// A composed line, and the same decomposed where that is another text.
pub(super) fn spellings(line: &str) -> Vec<String> {
    let apart: String = line.nfd().collect();
    let together = line.to_owned();
    if apart == together { vec![together] } else { vec![together, apart] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_has_two_spellings_is_looked_up_twice() {
        assert_eq!(spellings("PMS-17"), ["PMS-17"]);
        assert_eq!(spellings("Zürich-1"), ["Zürich-1", "Zu\u{308}rich-1"]);
    }
}
