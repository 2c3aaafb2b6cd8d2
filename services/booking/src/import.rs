//! The lines of a file of customers, CSV or newline-delimited JSON, read one by one
//! while the file comes, however long it is. A line that cannot be read costs only
//! itself, unless nothing after it can be read either. What a field takes and what is
//! stored is not known here.

mod csv;
mod input;
mod line;
mod ndjson;

use self::csv::Csv;
use self::input::Input;
pub use self::line::{Broken, Line, Record};
use self::ndjson::Ndjson;

/// As much of a file as its first line is looked for in.
const BEGINNING: usize = 8 * 1024;

/// How the lines of a file are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Comma-separated values with a header line (RFC 4180); semicolons and tabs too.
    Csv,
    /// One JSON object on each line.
    Ndjson,
}

/// A file whose lines are read while it comes: it takes what has come, and gives the
/// lines that are whole. What it keeps is at most a record and what was pushed last.
#[derive(Debug)]
pub struct Reader {
    format: Format,
    input: Input,
    /// `None` until enough has come to begin.
    lines: Option<Lines>,
    /// Whether the file cannot be read on.
    broken: bool,
}

#[derive(Debug)]
enum Lines {
    Csv(Box<Csv>),
    Ndjson(Ndjson),
}

impl Reader {
    /// A file of which nothing has come yet.
    pub fn new(format: Format) -> Self {
        Self { format, input: Input::default(), lines: None, broken: false }
    }

    /// Takes what comes next, when all lines before have been read.
    pub fn push(&mut self, bytes: &[u8]) {
        self.input.push(bytes);
    }

    /// The file has ended here.
    pub fn end(&mut self) {
        self.input.end();
    }

    /// Whether nothing comes any more.
    pub fn has_ended(&self) -> bool {
        self.input.has_ended()
    }

    /// The next line; `None` when it has not come yet, or there is none any more.
    pub fn next_line(&mut self) -> Result<Option<Line>, Broken> {
        if self.broken {
            return Ok(None);
        }
        let next = self.begin().and_then(|begun| match &mut self.lines {
            Some(Lines::Csv(lines)) if begun => lines.next(&mut self.input),
            Some(Lines::Ndjson(lines)) if begun => Ok(lines.next(&mut self.input)),
            Some(_) | None => Ok(None),
        });
        self.broken = next.is_err();
        next
    }

    /// Passes over a byte order mark, when enough has come to tell how to go on; says
    /// whether it has.
    fn begin(&mut self) -> Result<bool, Broken> {
        if self.lines.is_some() {
            return Ok(true);
        }
        let beginning = self.input.rest();
        if let [0xff, 0xfe, ..] | [0xfe, 0xff, ..] = beginning {
            return Err(Broken("The file is in UTF-16; save it as UTF-8.".to_owned()));
        }
        let enough = match self.format {
            Format::Csv => beginning.contains(&b'\n') || beginning.len() >= BEGINNING,
            Format::Ndjson => beginning.len() >= 3,
        };
        if !enough && !self.input.has_ended() {
            return Ok(false);
        }
        let mark = if beginning.starts_with(&[0xef, 0xbb, 0xbf]) { 3 } else { 0 };
        let lines = match self.format {
            Format::Csv => Lines::Csv(Box::new(Csv::of(&beginning[mark..]))),
            Format::Ndjson => Lines::Ndjson(Ndjson::default()),
        };
        self.input.skip(mark);
        self.lines = Some(lines);
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::line::MAX_RECORD;
    use super::*;

    /// Each line of a file that comes in parts of a size.
    fn lines(format: Format, file: &[u8], size: usize) -> Vec<Result<Line, Broken>> {
        let mut reader = Reader::new(format);
        let mut found = Vec::new();
        let parts = file.chunks(size).map(Some).chain([None]);
        for part in parts {
            match part {
                Some(part) => reader.push(part),
                None => reader.end(),
            }
            while let Some(next) = reader.next_line().transpose() {
                found.push(next);
            }
        }
        found
    }

    /// Each line as `number name external_id`, or with what is wrong; the same in
    /// whatever parts the file comes.
    fn read(format: Format, file: &[u8]) -> Vec<String> {
        let shown = |line: Result<Line, Broken>| match line {
            Ok(Line { number, record: Ok(Record { name, external_id, .. }) }) => {
                format!("{number} {} {}", name.0, external_id.0)
            }
            Ok(Line { number, record: Err(wrong) }) => format!("{number} wrong: {wrong}"),
            Err(broken) => format!("broken: {broken}"),
        };
        let read = |size| lines(format, file, size).into_iter().map(shown).collect::<Vec<_>>();
        let whole = read(file.len().max(1));
        for size in [1, 2, 3, 7, 64, 8191, 65_536] {
            assert_eq!(read(size), whole, "in parts of {size}");
        }
        whole
    }

    #[test]
    fn csv_is_read_with_a_mark_quotes_and_either_end_of_line() {
        let file = "\u{feff}External_ID, name,notes\r\n7,Anna,\"two\r\nlines, \"\"quoted\"\"\"\r\n\r\n8,Bruno,\n9,\"\",x";
        assert_eq!(read(Format::Csv, file.as_bytes()), ["2 Anna 7", "5 Bruno 8", "6  9"]);
        let first = lines(Format::Csv, file.as_bytes(), 5).remove(0).unwrap().record.unwrap();
        assert_eq!(first.notes.0, "two\r\nlines, \"quoted\"");
        for separator in [";", "\t"] {
            let file = format!("name{separator}external_id\nAnna, A.{separator}7\n");
            assert_eq!(read(Format::Csv, file.as_bytes()), ["2 Anna, A. 7"]);
        }
    }

    #[test]
    fn a_header_that_cannot_be_used_is_named() {
        for (file, says) in [
            ("name,external_id,fon\nA,1,2\n", "`fon`"),
            ("name,external_id,name\nA,1,2\n", "`name` twice"),
            ("name,email\nA,1\n", "`external_id`"),
            ("", "no header"),
        ] {
            let read = read(Format::Csv, file.as_bytes());
            assert!(read.len() == 1 && read[0].starts_with("broken: ") && read[0].contains(says), "{read:?}");
        }
    }

    #[test]
    fn a_wrong_line_costs_only_itself() {
        let file = b"name,external_id\nA,1\nB\nC,3,x\n\xff\xfe,4\nE,5\n";
        let csv = read(Format::Csv, file);
        assert_eq!((csv[0].as_str(), csv[4].as_str(), csv.len()), ("2 A 1", "6 E 5", 5));
        assert!(csv[1].contains("3 wrong: It has 1 value and the header 2"), "{csv:?}");
        assert!(csv[2].contains("4 wrong: It has 3 values"), "{csv:?}");
        assert!(csv[3].contains("5 wrong: `name` is not UTF-8"), "{csv:?}");

        let long = format!("{{\"name\":\"{}\"}}", "x".repeat(MAX_RECORD));
        let file = [
            b"{\"name\":\"A\",\"external_id\":\"1\",\"email\":null}\r\n\n{\"name\":\n{\"nome\":\"C\"}\n\"\xff\"\n"
                .as_slice(),
            long.as_bytes(),
            b"\n{\"external_id\":7}\n{\"name\":\"E\"}\n[\"A\",\"\",\"\",\"7\",\"\",\"\"]",
        ]
        .concat();
        let json = read(Format::Ndjson, &file);
        let says = [
            "1 A 1",
            "3 wrong: EOF",
            "4 wrong: unknown field `nome`",
            "5 wrong: It is not UTF-8",
            "6 wrong: It is longer than",
            "7 wrong: invalid type",
            "8 E ",
            "9 wrong: It is not a JSON object",
        ];
        assert_eq!(json.len(), says.len(), "{json:?}");
        for (line, says) in json.iter().zip(says) {
            assert!(line.starts_with(says), "{line}: {says}");
        }
    }

    #[test]
    fn what_cannot_be_read_on_ends_the_file() {
        let utf16: Vec<u8> =
            [0xff, 0xfe].into_iter().chain("name".bytes().flat_map(|byte| [byte, 0])).collect();
        assert!(read(Format::Csv, &utf16)[0].contains("UTF-16"));
        let open = format!("name,external_id\nA,1\n\"B,2\n{}", "x,y\n".repeat(MAX_RECORD));
        let read = read(Format::Csv, open.as_bytes());
        assert_eq!(read[0], "2 A 1");
        assert!(
            read[1].starts_with("broken: The record that begins on line 3 is longer than"),
            "{}",
            read[1]
        );
        assert_eq!(read.len(), 2);
        let blank = format!("name,external_id\n{}A,1\n", "\r\n".repeat(2 * MAX_RECORD));
        assert_eq!(self::read(Format::Csv, blank.as_bytes()), [format!("{} A 1", 2 * MAX_RECORD + 2)]);
        let many = format!("name,external_id\nA,1\n{}", ",".repeat(2 * MAX_RECORD));
        let read = self::read(Format::Csv, many.as_bytes());
        assert!(
            read.len() == 2 && read[1].starts_with("broken: The record that begins on line 3"),
            "{read:?}"
        );
    }

    #[test]
    fn a_reader_keeps_a_record_at_most_however_long_the_file_is() {
        let part =
            b"name,external_id\n".iter().chain(b"{}\n").copied().cycle().take(40_000).collect::<Vec<_>>();
        for format in [Format::Csv, Format::Ndjson] {
            let mut reader = Reader::new(format);
            for _ in 0..1000 {
                reader.push(&part);
                while let Ok(Some(_)) = reader.next_line() {}
            }
            assert!(reader.input.rest().len() <= MAX_RECORD, "{format:?}");
        }
    }
}
