//! Percent escapes (RFC 3986), as far as paths, queries and templates have them in common.

use std::borrow::Cow;

/// The byte that two hex digits stand for.
pub fn hex_pair(text: &[u8]) -> Option<u8> {
    let digit = |at: usize| char::from(*text.get(at)?).to_digit(16);
    u8::try_from(digit(0)? * 16 + digit(1)?).ok()
}

/// A path's segment as literals are compared: as written, but for the case of escapes
/// (RFC 3986, 6.2.2.1).
pub fn canonical(segment: &str) -> Cow<'_, str> {
    if !segment.contains('%') {
        return Cow::Borrowed(segment);
    }
    let mut canonical = String::with_capacity(segment.len());
    let mut rest = segment;
    while let Some(at) = rest.find('%') {
        // An escape that is none stays as it is, and is equal to no literal.
        let end = (at + 3).min(rest.len());
        let end = if rest.is_char_boundary(end) { end } else { at + 1 };
        canonical.push_str(&rest[..at]);
        canonical.extend(rest[at..end].chars().map(|char| char.to_ascii_uppercase()));
        rest = &rest[end..];
    }
    canonical.push_str(rest);
    Cow::Owned(canonical)
}

/// Unreserved characters of RFC 3986, of which an escape means the same.
pub fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_compare_without_the_case_of_their_escapes_and_nothing_else_changes() {
        for (segment, compared) in [
            ("books", "books"),
            ("a%c3%a9", "a%C3%A9"),
            ("%2F%2fx", "%2F%2Fx"),
            ("a%2f%", "a%2F%"),
            ("%z\u{e9}", "%z\u{e9}"),
            ("%\u{e9}", "%\u{e9}"),
            ("%", "%"),
        ] {
            assert_eq!(canonical(segment), compared);
        }
    }
}
