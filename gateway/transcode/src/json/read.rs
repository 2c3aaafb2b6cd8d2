//! A JSON text read in order, without a tree (RFC 8259, strictly): what it is
//! made of is handed out piece by piece, strings without escapes are not copied.

use std::borrow::Cow;

use super::write;
use crate::wire::MAX_DEPTH;

/// What is wrong with a text, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SyntaxError {
    pub what: &'static str,
    pub at: usize,
}

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    Object,
    Array,
    String,
    Number,
    Bool,
    Null,
}

/// A text and a place in it.
#[derive(Debug, Clone)]
pub struct Reader<'j> {
    text: &'j str,
    at: usize,
    depth: usize,
}

type Result<T> = std::result::Result<T, SyntaxError>;

impl<'j> Reader<'j> {
    pub fn new(text: &'j str) -> Self {
        Self { text, at: 0, depth: 0 }
    }

    /// How many objects and arrays are open.
    pub fn depth(&self) -> usize {
        self.depth
    }

    /// Line and column of a place, from 1.
    pub fn line_column(&self, at: usize) -> (usize, usize) {
        let before = &self.text.as_bytes()[..at.min(self.text.len())];
        let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let lines = before.split(|byte| *byte == b'\n').count();
        (lines, before.len() - line_start + 1)
    }

    pub fn peek(&mut self) -> Result<Next> {
        self.space();
        match self.byte() {
            Some(b'"') => Ok(Next::String),
            Some(b'{') => Ok(Next::Object),
            Some(b'[') => Ok(Next::Array),
            Some(b'-' | b'0'..=b'9') => Ok(Next::Number),
            Some(b't' | b'f') => Ok(Next::Bool),
            Some(b'n') => Ok(Next::Null),
            Some(_) => Err(self.wrong("a value was expected")),
            None => Err(self.wrong("it ends too early")),
        }
    }

    /// Goes into an object or array.
    pub fn enter(&mut self) -> Result<()> {
        if self.depth >= MAX_DEPTH {
            return Err(self.wrong("it is nested deeper than 100 levels"));
        }
        self.depth += 1;
        self.at += 1;
        Ok(())
    }

    /// The next name in an object; `None` after the last member.
    pub fn member(&mut self, first: &mut bool) -> Result<Option<Cow<'j, str>>> {
        if !self.more(b'}', first)? {
            return Ok(None);
        }
        self.space();
        if self.byte() != Some(b'"') {
            return Err(self.wrong("a name in quotes was expected"));
        }
        let name = self.string()?;
        self.space();
        if self.byte() != Some(b':') {
            return Err(self.wrong("`:` was expected"));
        }
        self.at += 1;
        Ok(Some(name))
    }

    /// Whether an array has another item.
    pub fn item(&mut self, first: &mut bool) -> Result<bool> {
        self.more(b']', first)
    }

    pub fn string(&mut self) -> Result<Cow<'j, str>> {
        self.at += 1;
        let from = self.at;
        loop {
            while let Some(word) = self.text.as_bytes()[self.at..].first_chunk() {
                let special = write::special(u64::from_le_bytes(*word));
                self.at += (special.trailing_zeros() / 8) as usize;
                if special != 0 {
                    break;
                }
            }
            match self.byte() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(Cow::Borrowed(&self.text[from..self.at - 1]));
                }
                Some(b'\\') => return self.escaped(from).map(Cow::Owned),
                Some(0..0x20) => return Err(self.wrong("a control character stands in a string")),
                Some(_) => self.at += 1,
                None => return Err(self.wrong("a string does not end")),
            }
        }
    }

    /// The text of a number.
    pub fn number(&mut self) -> Result<&'j str> {
        let rest = &self.text[self.at..];
        let end = rest
            .bytes()
            .position(|byte| !matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E'))
            .unwrap_or(rest.len());
        let number = &rest[..end];
        if !is_number(number) {
            return Err(self.wrong("a number is malformed"));
        }
        self.at += end;
        Ok(number)
    }

    pub fn bool(&mut self) -> Result<bool> {
        if self.word("true") {
            Ok(true)
        } else if self.word("false") {
            Ok(false)
        } else {
            Err(self.wrong("a value was expected"))
        }
    }

    pub fn null(&mut self) -> Result<()> {
        if self.word("null") { Ok(()) } else { Err(self.wrong("a value was expected")) }
    }

    /// Passes over a value.
    pub fn skip(&mut self) -> Result<()> {
        let mut first = true;
        match self.peek()? {
            Next::String => self.string().map(drop),
            Next::Number => self.number().map(drop),
            Next::Bool => self.bool().map(drop),
            Next::Null => self.null(),
            Next::Object => {
                self.enter()?;
                while self.member(&mut first)?.is_some() {
                    self.skip()?;
                }
                Ok(())
            }
            Next::Array => {
                self.enter()?;
                while self.item(&mut first)? {
                    self.skip()?;
                }
                Ok(())
            }
        }
    }

    /// Nothing may follow.
    pub fn end(&mut self) -> Result<()> {
        self.space();
        if self.at == self.text.len() { Ok(()) } else { Err(self.wrong("something follows its end")) }
    }

    fn more(&mut self, end: u8, first: &mut bool) -> Result<bool> {
        self.space();
        let was_first = std::mem::replace(first, false);
        match self.byte() {
            Some(byte) if byte == end => {
                self.at += 1;
                self.depth -= 1;
                Ok(false)
            }
            Some(b',') if !was_first => {
                self.at += 1;
                self.space();
                // No trailing comma.
                if self.byte() == Some(end) { Err(self.wrong("a value was expected")) } else { Ok(true) }
            }
            Some(_) if was_first => Ok(true),
            Some(_) => Err(self.wrong("`,` was expected")),
            None => Err(self.wrong("it ends too early")),
        }
    }

    /// A string that has escapes, from its first character.
    fn escaped(&mut self, from: usize) -> Result<String> {
        let mut text = self.text[from..self.at].to_owned();
        loop {
            let run = self.at;
            while self.byte().is_some_and(|byte| byte >= 0x20 && byte != b'"' && byte != b'\\') {
                self.at += 1;
            }
            text.push_str(&self.text[run..self.at]);
            match self.byte() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(text);
                }
                Some(b'\\') => {
                    self.at += 1;
                    text.push(self.escape()?);
                }
                Some(_) => return Err(self.wrong("a control character stands in a string")),
                None => return Err(self.wrong("a string does not end")),
            }
        }
    }

    fn escape(&mut self) -> Result<char> {
        let byte = self.byte().ok_or(self.wrong("a string does not end"))?;
        self.at += 1;
        Ok(match byte {
            b'"' | b'\\' | b'/' => char::from(byte),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let lone = self.wrong("an escape is half a surrogate pair");
                let first = self.hex4()?;
                if let Some(char) = char::from_u32(first) {
                    return Ok(char);
                }
                if !(0xd800..0xdc00).contains(&first) || !self.text[self.at..].starts_with("\\u") {
                    return Err(lone);
                }
                self.at += 2;
                let second = self.hex4()?;
                if !(0xdc00..0xe000).contains(&second) {
                    return Err(lone);
                }
                char::from_u32(0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00)).ok_or(lone)?
            }
            _ => return Err(self.wrong("an escape is unknown")),
        })
    }

    fn hex4(&mut self) -> Result<u32> {
        let wrong = self.wrong("an escape lacks its four hex digits");
        let digits = self.text.as_bytes().get(self.at..self.at + 4).ok_or(wrong)?;
        let mut value = 0;
        for digit in digits {
            value = value * 16 + char::from(*digit).to_digit(16).ok_or(wrong)?;
        }
        self.at += 4;
        Ok(value)
    }

    fn word(&mut self, word: &str) -> bool {
        let found = self.text.as_bytes()[self.at..].starts_with(word.as_bytes());
        self.at += if found { word.len() } else { 0 };
        found
    }

    fn space(&mut self) {
        while matches!(self.byte(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn wrong(&self, what: &'static str) -> SyntaxError {
        SyntaxError { what, at: self.at }
    }
}

/// Whether a text is a JSON number and nothing else.
pub fn is_number(text: &str) -> bool {
    let digits = |rest: &mut &[u8]| {
        let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        *rest = &rest[count..];
        count
    };
    let mut rest = text.as_bytes();
    rest = rest.strip_prefix(b"-").unwrap_or(rest);
    let leading_zero = rest.first() == Some(&b'0');
    let whole = digits(&mut rest);
    if whole == 0 || leading_zero && whole > 1 {
        return false;
    }
    if let Some(fraction) = rest.strip_prefix(b".") {
        rest = fraction;
        if digits(&mut rest) == 0 {
            return false;
        }
    }
    if let [b'e' | b'E', exponent @ ..] = rest {
        rest = exponent.strip_prefix(b"+").or_else(|| exponent.strip_prefix(b"-")).unwrap_or(exponent);
        if digits(&mut rest) == 0 {
            return false;
        }
    }
    rest.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn valid(text: &str) -> bool {
        let mut reader = Reader::new(text);
        reader.skip().and_then(|()| reader.end()).is_ok()
    }

    #[test]
    fn texts_are_judged_as_serde_json_judges_them() {
        for text in [
            "{}",
            "[]",
            " [1 , 2] ",
            "[1,]",
            "[,1]",
            "[1 2]",
            "{\"a\":1,}",
            "{a:1}",
            "{\"a\" 1}",
            "01",
            "-",
            "-0",
            "1.",
            ".5",
            "1e",
            "1e5",
            "1E+5",
            "+1",
            "tru",
            "truex",
            "nul",
            "\"\\u12\"",
            "\"\\ud83d\\ude00\"",
            "\"\\ud83d\"",
            "\"\\ude00\"",
            "\"\\ud83d\\u0041\"",
            "\"\\x\"",
            "\"\n\"",
            "\"\u{7f}\"",
            "\"é\"",
            "",
            " ",
            "[",
            "{\"a\":[}",
            "1 1",
            "'a'",
            "NaN",
            "[[[]]]",
            "\u{feff}{}",
            "{\"a\":1 \"b\":2}",
            "]",
            "{]",
        ] {
            let expected = serde_json::from_str::<serde_json::Value>(text).is_ok();
            assert_eq!(valid(text), expected, "{text}");
        }
    }

    #[test]
    fn escapes_read_as_serde_json_reads_them() {
        let text = r#""a\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00é""#;
        let read = Reader::new(text).string().unwrap().into_owned();
        assert_eq!(read, serde_json::from_str::<String>(text).unwrap());
    }

    #[test]
    fn nesting_has_an_end() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert!(valid(&nested(MAX_DEPTH)) && !valid(&nested(MAX_DEPTH + 1)) && !valid(&nested(1_000_000)));
        assert!(!valid(&"{\"a\":".repeat(100_000)));
    }
}
