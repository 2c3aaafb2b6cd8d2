//! One JSON object on each line. Blank lines are passed over.

use std::io::{BufRead, BufReader, Read};

use super::line::{Broken, Line, Lines, MAX_RECORD, Record, unreadable};

struct Reader<R> {
    file: BufReader<R>,
    line: Vec<u8>,
    number: u64,
    ended: bool,
}

/// How reading a line ended.
enum Ended {
    /// There is none.
    File,
    Whole,
    TooLong,
}

pub(super) fn lines<'r>(file: impl Read + Send + 'r) -> Lines<'r> {
    Box::new(Reader { file: BufReader::new(file), line: Vec::new(), number: 0, ended: false })
}

impl<R: Read> Iterator for Reader<R> {
    type Item = Result<Line, Broken>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.ended {
            let ended = match self.read() {
                Ok(ended) => ended,
                Err(error) => {
                    self.ended = true;
                    return Some(Err(unreadable(&error)));
                }
            };
            self.number += 1;
            let record = match ended {
                Ended::File => break,
                Ended::TooLong => Err(format!("It is longer than {MAX_RECORD} bytes.")),
                Ended::Whole if self.line.trim_ascii().is_empty() => continue,
                Ended::Whole => parse(&self.line),
            };
            return Some(Ok(Line { number: self.number, record }));
        }
        self.ended = true;
        None
    }
}

impl<R: Read> Reader<R> {
    /// Reads a line; of one that is too long nothing is kept.
    fn read(&mut self) -> std::io::Result<Ended> {
        self.line.clear();
        let mut too_long = false;
        loop {
            let most = u64::try_from(MAX_RECORD + 1).unwrap_or(u64::MAX);
            let read = self.file.by_ref().take(most).read_until(b'\n', &mut self.line)?;
            let ends = read == 0 || self.line.ends_with(b"\n");
            too_long |= self.line.len() > MAX_RECORD;
            match (ends, too_long) {
                (true, true) => return Ok(Ended::TooLong),
                (true, false) if self.line.is_empty() => return Ok(Ended::File),
                (true, false) => return Ok(Ended::Whole),
                (false, true) => self.line.clear(),
                (false, false) => {}
            }
        }
    }
}

fn parse(line: &[u8]) -> Result<Record, String> {
    let text = std::str::from_utf8(line)
        .map_err(|error| format!("It is not UTF-8 from byte {} on.", error.valid_up_to() + 1))?;
    serde_json::from_str(text).map_err(|error| format!("{error}."))
}
