//! Comma-separated values with a header line, whose columns may be in any order.

use std::collections::VecDeque;
use std::io::{self, Cursor, Read};

use csv::{ByteRecord, ReaderBuilder};

use super::line::{Broken, Line, Lines, MAX_RECORD, Record, unreadable};

/// What the parser reads at a time.
const BUFFER: usize = 8 * 1024;
/// Columns without which no line can be stored.
const NEEDED: [&str; 2] = ["name", "external_id"];

/// A file of which a record can have so much and no more, so that a quote that is not
/// closed does not take the whole file into memory. It counts the lines: the parser's
/// own numbers are those of the line before where blank lines or `\r\n` come between.
struct Measured<R> {
    file: R,
    /// What the record may still have.
    left: usize,
    /// Bytes that were read.
    read: u64,
    /// Where line ends are that no record has been behind yet, and whether each begins
    /// a line.
    ends: VecDeque<(u64, bool)>,
    /// The line that the last record began on.
    line: u64,
}

struct Reader<R> {
    records: csv::Reader<Measured<R>>,
    /// Names of fields, in the order of the columns.
    header: Vec<String>,
    record: ByteRecord,
    ended: bool,
}

pub(super) fn lines<'r>(file: impl Read + Send + 'r) -> Result<Lines<'r>, Broken> {
    let (delimiter, file) = delimiter(file)?;
    let left = MAX_RECORD + BUFFER;
    let measured = Measured { file, left, read: 0, ends: VecDeque::new(), line: 1 };
    let mut records = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .buffer_capacity(BUFFER)
        .from_reader(measured);
    let mut record = ByteRecord::new();
    if !records.read_byte_record(&mut record).map_err(|error| broken(error, 1))? {
        return Err(Broken("The file has no header line.".to_owned()));
    }
    let header = header(&record)?;
    Ok(Box::new(Reader { records, header, record, ended: false }))
}

/// The separator that the header line has, and the file from its start.
fn delimiter<'r>(mut file: impl Read + Send + 'r) -> Result<(u8, impl Read + Send + 'r), Broken> {
    let mut start = Vec::new();
    let most = u64::try_from(BUFFER).unwrap_or(u64::MAX);
    file.by_ref().take(most).read_to_end(&mut start).map_err(|error| unreadable(&error))?;
    let line = start.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let found = b",;\t".iter().find(|one| line.contains(one)).copied().unwrap_or(b',');
    Ok((found, Cursor::new(start).chain(file)))
}

fn header(record: &ByteRecord) -> Result<Vec<String>, Broken> {
    let mut header: Vec<String> = Vec::with_capacity(record.len());
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

fn broken(error: csv::Error, line: u64) -> Broken {
    match error.into_kind() {
        csv::ErrorKind::Io(error) if error.kind() == io::ErrorKind::FileTooLarge => Broken(format!(
            "The record that begins on line {line} is longer than {MAX_RECORD} bytes; is a quote not closed?"
        )),
        csv::ErrorKind::Io(error) => unreadable(&error),
        kind => Broken(format!("The file cannot be read: {kind:?}.")),
    }
}

impl<R: Read> Read for Measured<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            return Err(io::Error::from(io::ErrorKind::FileTooLarge));
        }
        let most = into.len().min(self.left);
        let read = self.file.read(&mut into[..most])?;
        self.left -= read;
        for byte in &into[..read] {
            if matches!(byte, b'\r' | b'\n') {
                self.ends.push_back((self.read, *byte == b'\n'));
            }
            self.read += 1;
        }
        Ok(read)
    }
}

impl<R> Measured<R> {
    /// The line of a record for which the parser was at this byte; line ends that come
    /// first are not of it.
    fn line_at(&mut self, mut byte: u64) -> u64 {
        while let Some((at, begins)) = self.ends.front().copied().filter(|(at, _)| *at <= byte) {
            self.ends.pop_front();
            self.line += u64::from(begins);
            byte += u64::from(at == byte);
        }
        self.line
    }
}

impl<R: Read> Iterator for Reader<R> {
    type Item = Result<Line, Broken>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        self.records.get_mut().left = MAX_RECORD + BUFFER;
        let from = self.records.position().byte();
        let read = self.records.read_byte_record(&mut self.record);
        let number = self.records.get_mut().line_at(from);
        match read {
            Ok(true) => Some(Ok(Line { number, record: self.parse() })),
            Ok(false) => {
                self.ended = true;
                None
            }
            Err(error) => {
                self.ended = true;
                Some(Err(broken(error, number)))
            }
        }
    }
}

impl<R> Reader<R> {
    fn parse(&self) -> Result<Record, String> {
        let (has, wanted) = (self.record.len(), self.header.len());
        if has != wanted {
            let values = if has == 1 { "value" } else { "values" };
            return Err(format!("It has {has} {values} and the header {wanted} columns."));
        }
        let mut record = Record::default();
        for (name, value) in self.header.iter().zip(&self.record) {
            let text = std::str::from_utf8(value).map_err(|_| format!("`{name}` is not UTF-8."))?;
            if let Some(field) = record.field(name) {
                text.clone_into(field);
            }
        }
        Ok(record)
    }
}
