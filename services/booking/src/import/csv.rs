//! Comma-separated values with a header line, whose columns may be in any order.
//!
//! The parser is `csv-core`, which takes bytes as they come; `csv` over it wants to
//! fetch them itself, and a call cannot wait inside a parser.

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};

use super::input::Input;
use super::line::{Broken, Line, MAX_RECORD, Record};

/// Columns without which no line can be stored.
const NEEDED: [&str; 2] = ["name", "external_id"];

/// Reads records.
#[derive(Debug)]
pub struct Csv {
    parser: Reader,
    /// Names of fields, in the order of the columns; empty until the header was read.
    header: Vec<String>,
    /// The values of a record, one after the other: as much as a record can have, so
    /// that a quote that is not closed does not take the whole file into memory.
    values: Vec<u8>,
    /// Where each value ends.
    ends: Vec<usize>,
    /// How much of `values` and `ends` the record has.
    has: (usize, usize),
    /// Whether the parser is inside a record.
    inside: bool,
    /// The line that comes next, and the one that the record began on.
    line: u64,
    begins: u64,
}

impl Csv {
    /// A file whose beginning is known.
    pub fn of(beginning: &[u8]) -> Self {
        Self {
            parser: ReaderBuilder::new().delimiter(delimiter(beginning)).build(),
            header: Vec::new(),
            values: vec![0; MAX_RECORD],
            ends: vec![0; 2 * Record::FIELDS.len()],
            has: (0, 0),
            inside: false,
            line: 1,
            begins: 1,
        }
    }

    /// The next line; `None` when it has not come yet, or the file has ended.
    pub fn next(&mut self, file: &mut Input) -> Result<Option<Line>, Broken> {
        if self.header.is_empty() {
            if !self.read(file)? {
                let missing = file.has_ended().then(|| Broken("The file has no header line.".to_owned()));
                return missing.map_or(Ok(None), Err);
            }
            self.header = header(self.record())?;
        }
        let read = self.read(file)?;
        Ok(read.then(|| Line { number: self.begins, record: self.parse() }))
    }

    /// Reads a record; says whether it is whole.
    fn read(&mut self, file: &mut Input) -> Result<bool, Broken> {
        loop {
            if !self.inside {
                self.pass_line_ends(file);
                self.has = (0, 0);
            }
            let rest = file.rest();
            // No bytes tell the parser that there are no more.
            if rest.is_empty() && !file.has_ended() {
                return Ok(false);
            }
            let (length, count) = &mut self.has;
            let values = self.values.get_mut(*length..).unwrap_or_default();
            let ends = self.ends.get_mut(*count..).unwrap_or_default();
            let (result, taken, written, ended) = self.parser.read_record(rest, values, ends);
            self.line += line_ends(&rest[..taken]);
            (*length, *count) = (*length + written, *count + ended);
            file.skip(taken);
            self.inside = !matches!(result, ReadRecordResult::Record | ReadRecordResult::End);
            match result {
                ReadRecordResult::Record => return Ok(true),
                ReadRecordResult::End => return Ok(false),
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputEndsFull if self.ends.len() < MAX_RECORD => {
                    self.ends.resize(2 * self.ends.len(), 0);
                }
                ReadRecordResult::OutputEndsFull | ReadRecordResult::OutputFull => {
                    return Err(Broken(format!(
                        "The record that begins on line {} is longer than {MAX_RECORD} bytes; is a quote not closed?",
                        self.begins
                    )));
                }
            }
        }
    }

    /// Line ends before a record are not of it: `\r\n` has one more than the parser
    /// takes with a record, and blank lines are passed over.
    fn pass_line_ends(&mut self, file: &mut Input) {
        let rest = file.rest();
        let count = rest.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        self.line += line_ends(&rest[..count]);
        file.skip(count);
        self.begins = self.line;
    }

    /// The values of the record.
    fn record(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        let ends = &self.ends[..self.has.1];
        ends.iter().enumerate().map(|(at, end)| {
            let from = at.checked_sub(1).map_or(0, |before| ends[before]);
            self.values.get(from..*end).unwrap_or_default()
        })
    }

    fn parse(&self) -> Result<Record, String> {
        let (has, wanted) = (self.record().len(), self.header.len());
        if has != wanted {
            let values = if has == 1 { "value" } else { "values" };
            return Err(format!("It has {has} {values} and the header {wanted} columns."));
        }
        let mut record = Record::default();
        for (name, value) in self.header.iter().zip(self.record()) {
            let text = std::str::from_utf8(value).map_err(|_| format!("`{name}` is not UTF-8."))?;
            if let Some(field) = record.field(name) {
                text.clone_into(field);
            }
        }
        Ok(record)
    }
}

/// The separator that the header line has.
fn delimiter(beginning: &[u8]) -> u8 {
    let line = beginning.split(|byte| *byte == b'\n').next().unwrap_or_default();
    b",;\t".iter().find(|one| line.contains(one)).copied().unwrap_or(b',')
}

fn header<'r>(record: impl ExactSizeIterator<Item = &'r [u8]>) -> Result<Vec<String>, Broken> {
    let mut header: Vec<String> = Vec::with_capacity(Record::FIELDS.len());
    for column in record {
        let name = String::from_utf8_lossy(column).trim().to_ascii_lowercase();
        if !Record::FIELDS.contains(&name.as_str()) {
            return Err(Broken(format!(
                "The header has a column `{}`, which is not known: a file has {}.",
                name.chars().take(100).collect::<String>(),
                Record::FIELDS.join(", ")
            )));
        }
        if header.contains(&name) {
            return Err(Broken(format!("The header has the column `{name}` twice.")));
        }
        header.push(name);
    }
    match NEEDED.iter().find(|needed| !header.iter().any(|name| name == *needed)) {
        Some(missing) => Err(Broken(format!("The header lacks the column `{missing}`."))),
        None => Ok(header),
    }
}

fn line_ends(bytes: &[u8]) -> u64 {
    bytes.iter().map(|byte| u64::from(*byte == b'\n')).sum()
}
