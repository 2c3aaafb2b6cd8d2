//! How a line of the log is written: flat, in JSON for programs or in text for
//! people. A line stays one line, whatever its values hold.

use std::fmt::{self, Display, Write};

use jiff::Timestamp;
use tracing::Level;

/// Most characters of a value; what a library prints of itself may be megabytes.
const MOST: usize = 4096;

/// The two forms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Text,
    Json,
}

/// A line that is being written.
pub struct Line<'s> {
    out: &'s mut String,
    form: Form,
}

impl<'s> Line<'s> {
    /// Begins a line; `out` holds nothing else.
    pub fn begin(out: &'s mut String, form: Form, at: Timestamp, level: Level, target: &str) -> Self {
        let mut line = Self { out, form };
        match form {
            Form::Json => {
                line.out.push('{');
                line.shown("timestamp", &format_args!("{at:.6}"));
                line.shown("level", &level.as_str());
                line.shown("target", &target);
            }
            Form::Text => {
                // A day's log is read while it is written: the time of the day is enough.
                line.put(format_args!("{at:.3}"));
                let day = line.out.find('T').map_or(0, |at| at + 1);
                line.out.drain(..day);
                line.put(format_args!(" {:<5} {}:", level.as_str(), Plain(target)));
            }
        }
        line
    }

    /// Adds a value as it shows itself.
    pub fn shown(&mut self, name: &str, value: &dyn Display) {
        let start = match self.form {
            Form::Json => {
                self.name(name);
                self.out.push('"');
                self.out.len()
            }
            Form::Text => {
                self.out.push(' ');
                if name != "message" {
                    self.out.extend([name, "="]);
                }
                self.out.len()
            }
        };
        let json = self.form == Form::Json;
        let mut escaped = Escaped { out: self.out, left: MOST, json };
        // An error means that the value has been cut, or cannot be shown.
        let cut = write!(escaped, "{value}").is_err();
        if cut {
            self.out.push('…');
        }
        match self.form {
            Form::Json => self.out.push('"'),
            Form::Text if name != "message" && needs_quotes(&self.out[start..]) => {
                self.out.insert(start, '"');
                self.out.push('"');
            }
            Form::Text => {}
        }
    }

    /// Adds a number or a truth value.
    pub fn bare(&mut self, name: &str, value: fmt::Arguments<'_>) {
        match self.form {
            Form::Json => self.name(name),
            Form::Text => self.out.extend([" ", name, "="]),
        }
        self.put(value);
    }

    /// Ends the line.
    pub fn end(self) {
        self.out.push_str(if self.form == Form::Json { "}\n" } else { "\n" });
    }

    /// Names are those of fields in our code and in libraries: nothing to escape.
    fn name(&mut self, name: &str) {
        if self.out.len() > 1 {
            self.out.push(',');
        }
        self.out.extend(["\"", name, "\":"]);
    }

    fn put(&mut self, what: fmt::Arguments<'_>) {
        // Writing to a text fails only if a value refuses to be shown.
        if self.out.write_fmt(what).is_err() {
            self.out.push('…');
        }
    }
}

/// Whether a value would be taken for more than one.
fn needs_quotes(value: &str) -> bool {
    value.is_empty() || (value.contains([' ', '=']) && !value.starts_with(['"', '[', '{']))
}

/// A text without line breaks and what else terminals obey.
struct Plain<'t>(&'t str);

impl Display for Plain<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|one| out.write_char(if one.is_control() { '?' } else { one }))
    }
}

/// Writes what can stand in a line; fails when it has written enough.
struct Escaped<'s> {
    out: &'s mut String,
    left: usize,
    json: bool,
}

impl Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        // Mostly there is nothing to look for, one character after another.
        if text.len() <= self.left && text.bytes().fold(true, |plain, one| plain & is_plain(one)) {
            self.left -= text.len();
            self.out.push_str(text);
            return Ok(());
        }
        let mut plain = 0;
        for (at, one) in text.char_indices() {
            if self.left == 0 {
                self.out.push_str(&text[plain..at]);
                return Err(fmt::Error);
            }
            self.left -= 1;
            let quoted = self.json && matches!(one, '"' | '\\');
            if quoted || one.is_control() || is_line_break(one) {
                self.out.push_str(&text[plain..at]);
                plain = at + one.len_utf8();
                self.escape(one)?;
            }
        }
        self.out.push_str(&text[plain..]);
        Ok(())
    }
}

impl Escaped<'_> {
    fn escape(&mut self, one: char) -> fmt::Result {
        match one {
            '\n' => self.out.push_str("\\n"),
            '\t' => self.out.push_str("\\t"),
            '"' | '\\' => self.out.extend(['\\', one]),
            // Each of them is below U+FFFF.
            one => write!(self.out, "\\u{:04x}", u32::from(one))?,
        }
        Ok(())
    }
}

/// Whether it stands for itself, in JSON too.
fn is_plain(one: u8) -> bool {
    (b' '..=b'~').contains(&one) && one != b'"' && one != b'\\'
}

/// Those that are no control characters.
fn is_line_break(one: char) -> bool {
    matches!(one, '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use serde_json::Value as Json;

    use super::*;

    const NASTY: &str = "a \"b\" \\ \n\r\t\u{1b}[31m \u{85}\u{2028} ü";

    fn line(form: Form, value: &str) -> String {
        let mut out = String::new();
        let at = "2026-11-26T11:55:01.123456789Z".parse().unwrap();
        let mut line = Line::begin(&mut out, form, at, Level::WARN, "booking::rpc");
        line.shown("message", &"an answer broke off");
        line.bare("elapsed_us", format_args!("{}", 812));
        line.shown("cause", &value);
        line.end();
        out
    }

    #[test]
    fn json_is_one_flat_object_that_reads_back() {
        let text = line(Form::Json, NASTY);
        assert_eq!(text.lines().count(), 1);
        let read: Json = serde_json::from_str(&text).unwrap();
        let expected = serde_json::json!({
            "timestamp": "2026-11-26T11:55:01.123456Z", "level": "WARN", "target": "booking::rpc",
            "message": "an answer broke off", "elapsed_us": 812, "cause": NASTY,
        });
        assert_eq!(read, expected);
    }

    #[test]
    fn text_is_short_and_one_line() {
        let text = line(Form::Text, "timeout");
        assert_eq!(
            text,
            "11:55:01.123Z WARN  booking::rpc: an answer broke off elapsed_us=812 cause=timeout\n"
        );
        let nasty = line(Form::Text, NASTY);
        assert!(!nasty.trim_end().contains(char::is_control), "{nasty}");
        assert!(line(Form::Text, "").ends_with("cause=\"\"\n"));
        assert!(line(Form::Text, "status=OK x").ends_with("cause=\"status=OK x\"\n"));
    }

    #[test]
    fn a_value_is_cut_where_it_gets_long() {
        for form in [Form::Text, Form::Json] {
            let text = line(form, &"ü".repeat(1_000_000));
            assert!(text.len() < 10_000 && text.contains("ü…"), "{} bytes", text.len());
        }
        let text = line(Form::Json, &"\u{1}".repeat(5000));
        assert!(serde_json::from_str::<Json>(&text).is_ok());
    }
}
