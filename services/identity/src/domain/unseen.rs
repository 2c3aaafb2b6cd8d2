//! Characters that show nothing: two texts that differ by them alone look the same to
//! whoever reads them. What of a request's texts can be seen is checked before (`text.rs` of
//! the proto's crate, which has the same list); this is for texts that must have one form.

use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

/// Whether a character shows nothing, or is no character: blanks, controls, what Unicode says
/// is drawn as nothing (`Default_Ignorable_Code_Point`), and letters that fonts draw so.
pub fn is_unseen(one: char) -> bool {
    if one.is_ascii() {
        return !one.is_ascii_graphic();
    }
    one.is_whitespace()
        || one.is_control()
        || one.general_category() == GeneralCategory::Format
        || matches!(
            one,
            '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{2065}'
                | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}'
                | '\u{1d159}' | '\u{e0000}'..='\u{e0fff}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_shows_nothing_is_told_from_what_shows_something() {
        let unseen = " \t\u{0}\u{7f}\u{85}\u{a0}\u{ad}\u{200b}\u{200d}\u{202e}\u{2060}\u{2800}\u{3000}\u{3164}\u{fe0f}\u{feff}\u{e0041}";
        assert!(unseen.chars().all(is_unseen));
        assert!(!"a1.-+'ßüЖ中\u{308}€".chars().any(is_unseen));
    }
}
