//! One JSON object on each line. Blank lines are passed over.

use super::input::Input;
use super::line::{Line, MAX_RECORD, Record};

/// Reads lines.
#[derive(Debug, Default)]
pub struct Ndjson {
    /// The number of the last line.
    number: u64,
    /// How many bytes of the next line have been looked at, none of which ends it.
    seen: usize,
    /// Whether the beginning of the next line was passed over, because it is too long.
    too_long: bool,
}

impl Ndjson {
    /// The next line; `None` when it has not come yet, or the file has ended.
    pub fn next(&mut self, file: &mut Input) -> Option<Line> {
        loop {
            let rest = file.rest();
            let end = rest[self.seen..].iter().position(|byte| *byte == b'\n').map(|at| self.seen + at);
            let (length, taken) = match end {
                Some(at) => (at, at + 1),
                None if file.has_ended() && (!rest.is_empty() || self.too_long) => (rest.len(), rest.len()),
                None => {
                    self.wait(file);
                    return None;
                }
            };
            let line = &rest[..length];
            let record = if std::mem::take(&mut self.too_long) || length > MAX_RECORD {
                Some(Err(format!("It is longer than {MAX_RECORD} bytes.")))
            } else if line.trim_ascii().is_empty() {
                None
            } else {
                Some(parse(line))
            };
            file.skip(taken);
            self.seen = 0;
            self.number += 1;
            if let Some(record) = record {
                return Some(Line { number: self.number, record });
            }
        }
    }

    /// Keeps what has come of a line, unless it is too long.
    fn wait(&mut self, file: &mut Input) {
        self.seen = file.rest().len();
        if self.seen > MAX_RECORD {
            file.skip(self.seen);
            self.seen = 0;
            self.too_long = true;
        }
    }
}

fn parse(line: &[u8]) -> Result<Record, String> {
    let text = std::str::from_utf8(line)
        .map_err(|error| format!("It is not UTF-8 from byte {} on.", error.valid_up_to() + 1))?;
    // An array would be read as the fields in their order.
    if !text.trim_start().starts_with('{') {
        return Err("It is not a JSON object.".to_owned());
    }
    serde_json::from_str(text).map_err(|error| format!("{error}."))
}
