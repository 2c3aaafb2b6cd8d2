//! Where what a call created can be read: the path of a GET with its variables filled in
//! (RFC 9110, 10.2.2). Which one it is, `location` knows.

use crate::key;
use crate::plan::Kind;
use crate::wire::{Raw, last};

/// What a binding says of the resource that its method creates.
#[derive(Debug)]
pub struct Created {
    /// The number of the response's field that has it.
    pub number: u32,
    pub location: Option<Vec<Piece>>,
}

/// A piece of a path.
#[derive(Debug)]
pub enum Piece {
    /// As it stands there.
    Literal(String),
    /// A variable of the request's path.
    Variable(usize),
    /// A field of the resource.
    Field { number: u32, kind: Kind, segments: usize },
}

impl Created {
    pub fn has_location(&self) -> bool {
        self.location.is_some()
    }

    /// The path, if the answer has what it is made of.
    pub fn location(&self, captured: &[String], wire: &[u8]) -> Option<String> {
        let pieces = self.location.as_ref()?;
        let Some(Raw::Delimited(resource)) = last(wire, self.number).ok()? else { return None };
        let mut path = String::with_capacity(64);
        for piece in pieces {
            match piece {
                Piece::Literal(text) => path.push_str(text),
                Piece::Variable(at) => push_encoded(&mut path, captured.get(*at)?, 1)?,
                Piece::Field { number, kind, segments } => {
                    let text = key::text(*kind, last(resource, *number).ok()?).ok()?;
                    push_encoded(&mut path, &text, *segments)?;
                }
            }
        }
        Some(path)
    }
}

/// Appends a value as it stands in a path, if it is one of so many segments.
fn push_encoded(path: &mut String, text: &str, segments: usize) -> Option<()> {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let is_name = |part: &str| !matches!(part, "" | "." | "..");
    // Dots and empty segments are taken out of a path before it is asked for, which leads
    // elsewhere then (RFC 3986, 5.2.4).
    if segments > 1 {
        if text.split('/').count() != segments || !text.split('/').all(is_name) {
            return None;
        }
    } else if !is_name(text) {
        return None;
    }
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || segments > 1 && byte == b'/' {
            path.push(char::from(byte));
        } else {
            let digit = |half: u8| char::from(HEX[usize::from(half)]);
            path.extend(['%', digit(byte >> 4), digit(byte & 15)]);
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_would_lead_to_another_path_has_no_location() {
        let of = |text: &str, segments| {
            let mut path = "/v1/".to_owned();
            push_encoded(&mut path, text, segments).map(|()| path)
        };
        assert_eq!(of("a/b.c", 2).as_deref(), Some("/v1/a/b.c"));
        assert_eq!(of("a/b", 1).as_deref(), Some("/v1/a%2Fb"));
        assert_eq!(of("...", 1).as_deref(), Some("/v1/..."));
        for (text, segments) in [
            ("", 1),
            (".", 1),
            ("..", 1),
            ("a", 2),
            ("a/b/c", 2),
            ("a/..", 2),
            ("./b", 2),
            ("a//b", 2),
            ("a//b", 3),
            ("/a/b", 2),
            ("a/b/", 2),
        ] {
            assert_eq!(of(text, segments), None, "{text} of {segments}");
        }
    }
}
