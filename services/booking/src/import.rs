//! The lines of a file of customers, CSV or newline-delimited JSON, read one by one
//! however long the file is. A line that cannot be read costs only itself, unless
//! nothing after it can be read either. What a field takes and what is stored is not
//! known here.

mod csv;
mod line;
mod ndjson;

use std::io::{Cursor, Read};

use self::line::unreadable;
pub use self::line::{Broken, Line, Lines, Record};

/// How the lines of a file are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Comma-separated values with a header line (RFC 4180); semicolons and tabs too.
    Csv,
    /// One JSON object on each line.
    Ndjson,
}

/// The lines of a file, without a byte order mark.
pub fn lines<'r>(format: Format, mut file: impl Read + Send + 'r) -> Result<Lines<'r>, Broken> {
    let mut start = Vec::with_capacity(4);
    file.by_ref().take(3).read_to_end(&mut start).map_err(|error| unreadable(&error))?;
    match start.as_slice() {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => {
            return Err(Broken("The file is in UTF-16; save it as UTF-8.".to_owned()));
        }
        [0xef, 0xbb, 0xbf] => start.clear(),
        _ => {}
    }
    let file = Cursor::new(start).chain(file);
    match format {
        Format::Csv => csv::lines(file),
        Format::Ndjson => Ok(ndjson::lines(file)),
    }
}

#[cfg(test)]
mod tests {
    use super::line::MAX_RECORD;
    use super::*;

    /// Each line as `number name external_id`, or with what is wrong.
    fn read(format: Format, file: &[u8]) -> Vec<String> {
        let shown = |line: Result<Line, Broken>| match line {
            Ok(Line { number, record: Ok(Record { name, external_id, .. }) }) => {
                format!("{number} {} {}", name.0, external_id.0)
            }
            Ok(Line { number, record: Err(wrong) }) => format!("{number} wrong: {wrong}"),
            Err(broken) => format!("broken: {broken}"),
        };
        match lines(format, file) {
            Ok(lines) => lines.map(shown).collect(),
            Err(broken) => vec![format!("broken: {broken}")],
        }
    }

    #[test]
    fn csv_is_read_with_a_mark_quotes_and_either_end_of_line() {
        let file = "\u{feff}External_ID, name,notes\r\n7,Anna,\"two\r\nlines, \"\"quoted\"\"\"\r\n\r\n8,Bruno,\n9,\"\",x";
        assert_eq!(read(Format::Csv, file.as_bytes()), ["2 Anna 7", "5 Bruno 8", "6  9"]);
        let mut lines = lines(Format::Csv, file.as_bytes()).unwrap();
        let first = lines.next().unwrap().unwrap().record.unwrap();
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
            b"\n{\"external_id\":7}\n{\"name\":\"E\"}",
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
    }
}
