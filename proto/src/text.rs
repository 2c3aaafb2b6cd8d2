//! What of a text can be seen. People paste characters that show nothing (spaces of
//! width zero, soft hyphens, fillers, marks without a letter), and two names that
//! look alike are one name to whoever reads them. What a field takes is not decided
//! here.

use unicode_normalization::UnicodeNormalization;
use unicode_properties::{GeneralCategory, GeneralCategoryGroup, UnicodeGeneralCategory};

/// Letters and symbols that fonts draw as nothing: fillers of Hangul, the blank of Braille
/// and the note without a head.
const FILLERS: [char; 6] = ['\u{115f}', '\u{1160}', '\u{2800}', '\u{3164}', '\u{ffa0}', '\u{1d159}'];

/// Whether nothing of a text can be seen: blanks of all kinds, characters of no
/// width, marks without anything to stand on.
pub fn shows_nothing(text: &str) -> bool {
    !text.chars().any(is_visible)
}

/// A line as it is kept: composed (Unicode NFC), so that one name has one spelling,
/// and without what cannot be seen at its ends.
pub fn tidy_line(text: &str) -> String {
    text.trim_matches(|one: char| one.is_whitespace() || is_ignorable(one)).nfc().collect()
}

/// Whether a character turns the direction of what follows it, so that a line shows
/// other words than it holds. Marks of direction (U+200E, U+200F) turn nothing.
pub fn turns_around(one: char) -> bool {
    matches!(one, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn is_visible(one: char) -> bool {
    if one.is_ascii() {
        return one.is_ascii_graphic();
    }
    let hidden = is_ignorable(one) || one.is_whitespace() || one.is_control();
    !hidden && one.general_category_group() != GeneralCategoryGroup::Mark
}

/// Formatting characters and what else Unicode says is drawn as nothing
/// (`Default_Ignorable_Code_Point`).
pub(crate) fn is_ignorable(one: char) -> bool {
    if one.is_ascii() {
        return false;
    }
    FILLERS.contains(&one)
        || one.general_category() == GeneralCategory::Format
        || matches!(
            one,
            '\u{34f}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{2065}'
                | '\u{fe00}'..='\u{fe0f}' | '\u{fff0}'..='\u{fff8}' | '\u{e0000}'..='\u{e0fff}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_shows_nothing_is_told_from_what_shows_something() {
        let nothing = "\u{200b} \u{2800} \u{3164} \u{ad} \u{feff} \u{2060} \u{301} \u{20dd} \u{a0} \u{3000} \u{202e} \
            \u{2028} \u{180e} \u{34f} \u{fe0f} \u{e0020} \u{1160} \u{ffa0} \u{200d} \u{1d159}";
        assert!(shows_nothing(nothing) && shows_nothing(""));
        for hidden in nothing.chars() {
            assert!(shows_nothing(&hidden.to_string()), "{hidden:?}");
        }
        for shown in ["x", "-", ".", "\u{200b}x", "e\u{301}", "🏔", "家", "ا", "\u{e000}", "½", "👩\u{200d}🚀"]
        {
            assert!(!shows_nothing(shown), "{shown:?}");
        }
    }

    #[test]
    fn a_line_is_kept_composed_and_with_what_belongs_to_it() {
        assert_eq!(tidy_line("\u{200b} Zu\u{308}rich \u{feff}"), "Zürich");
        assert_eq!(tidy_line("👩\u{200d}🚀"), "👩\u{200d}🚀");
        assert!(turns_around('\u{202e}') && turns_around('\u{2067}') && !turns_around('\u{200f}'));
    }
}
