//! The wire of Postgres, as far as the stepper reads it: what a client sends is taken apart into
//! groups that the server answers as one, and of an answer is read where it ends.

use std::collections::HashMap;
use std::sync::Arc;

use crate::forged::Forgery;

/// What a server answers to a commit.
pub const COMMITTED: &[u8] = b"C\0\0\0\x0bCOMMIT\0Z\0\0\0\x05I";

/// Messages of a client that the server answers together.
#[derive(Debug)]
pub struct Group {
    pub bytes: Vec<u8>,
    /// The statement that is run; `None` for what touches no row, which is no step.
    pub step: Option<String>,
    /// Whether the server says at its end that it is ready.
    pub is_answered: bool,
}

/// What a client sends over one connection.
#[derive(Debug, Default)]
pub struct Sent {
    rest: Vec<u8>,
    begun: bool,
    group: Vec<u8>,
    /// Texts of prepared statements, by their names.
    statements: HashMap<Vec<u8>, String>,
    /// What the group runs.
    runs: Option<String>,
    bound: Option<String>,
    names: Arc<HashMap<String, String>>,
    forged: Option<&'static Forgery>,
}

/// What a server sends over one connection.
#[derive(Debug, Default)]
pub struct Answered {
    rest: Vec<u8>,
}

/// What is read of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said {
    /// The process that serves the connection.
    Process(i32),
    /// It is ready: `I` outside a transaction, `T` inside, `E` inside one that failed.
    Ready(u8),
    /// It has ended what waited in a circle.
    Circle,
}

/// The field of an error with the code of a deadlock.
const DEADLOCK: &[u8] = b"C40P01";

/// The message that runs a statement.
pub fn query(text: &str) -> Vec<u8> {
    let length = u32::try_from(text.len() + 5).unwrap_or_default().to_be_bytes();
    [&b"Q"[..], &length, text.as_bytes(), b"\0"].concat()
}

impl Sent {
    /// With the names of statements, by their texts, and what is changed of them.
    pub fn new(names: Arc<HashMap<String, String>>, forged: Option<&'static Forgery>) -> Self {
        Self { names, forged, ..Self::default() }
    }

    /// Reads more; gives the groups that are whole.
    pub fn read(&mut self, bytes: &[u8]) -> Vec<Group> {
        self.rest.extend(bytes);
        let mut groups = Vec::new();
        // The first message has no letter before its length.
        let before = |begun: bool| usize::from(begun);
        while let Some(length) = length(&self.rest, before(self.begun)) {
            let mut message: Vec<u8> = self.rest.drain(..length).collect();
            let kind = if self.begun { message[0] } else { b'S' };
            let body = message.get(before(self.begun) + 4..).unwrap_or_default();
            match kind {
                b'P' => {
                    if let Some(forged) = self.prepare(body) {
                        message = forged;
                    }
                }
                b'B' => self.bound = self.statements.get(nth(body, 1)).cloned(),
                b'E' => self.runs = self.bound.take().filter(|text| !text.is_empty()),
                b'Q' => self.runs = ends_transaction(nth(body, 0)),
                _ => {}
            }
            self.begun = true;
            self.group.extend(message);
            if matches!(kind, b'S' | b'Q' | b'X' | b'H' | b'p') {
                let (bytes, step) = (std::mem::take(&mut self.group), self.runs.take());
                groups.push(Group { bytes, step, is_answered: matches!(kind, b'S' | b'Q') });
            }
        }
        groups
    }

    /// Notes a statement. Gives what is sent in its place, if it is changed.
    fn prepare(&mut self, body: &[u8]) -> Option<Vec<u8>> {
        let (name, text) = (nth(body, 0), nth(body, 1));
        let rest = &body[name.len() + text.len() + 2..];
        let (name, text) = (name.to_vec(), String::from_utf8_lossy(text).into_owned());
        let known = self.names.get(&text).cloned();
        let changed =
            self.forged.zip(known.as_deref()).and_then(|(forged, known)| forged.text_of(known, &text));
        let message = changed.map(|changed| {
            let body = [&name[..], b"\0", changed.as_bytes(), b"\0", rest].concat();
            let length = u32::try_from(body.len() + 4).unwrap_or_default().to_be_bytes();
            [&b"P"[..], &length[..], &body[..]].concat()
        });
        // What the driver asks of types is no step.
        let is_of_types = text.contains("pg_catalog.pg_type");
        let beginning = || text.split_whitespace().take(8).collect::<Vec<_>>().join(" ");
        let label = known.unwrap_or_else(|| if is_of_types { String::new() } else { beginning() });
        self.statements.insert(name, label);
        message
    }
}

impl Answered {
    /// Reads more; gives what was said.
    pub fn read(&mut self, bytes: &[u8]) -> Vec<Said> {
        self.rest.extend(bytes);
        let mut said = Vec::new();
        let mut at = 0;
        while let Some(length) = length(&self.rest[at..], 1) {
            let message = &self.rest[at..at + length];
            match (message[0], &message[5..]) {
                (b'K', [a, b, c, d, ..]) => said.push(Said::Process(i32::from_be_bytes([*a, *b, *c, *d]))),
                (b'Z', [status, ..]) => said.push(Said::Ready(*status)),
                (b'E', fields) if fields.split(|byte| *byte == 0).any(|field| field == DEADLOCK) => {
                    said.push(Said::Circle);
                }
                _ => {}
            }
            at += length;
        }
        self.rest.drain(..at);
        said
    }
}

/// The length of the message at the beginning, with what comes before its length, if it is whole.
fn length(bytes: &[u8], before: usize) -> Option<usize> {
    let of: [u8; 4] = bytes.get(before..before + 4)?.try_into().ok()?;
    let length = before + usize::try_from(u32::from_be_bytes(of)).ok()?;
    (bytes.len() >= length).then_some(length)
}

/// The n-th of texts that end in a zero each.
fn nth(body: &[u8], n: usize) -> &[u8] {
    body.split(|byte| *byte == 0).nth(n).unwrap_or_default()
}

fn ends_transaction(text: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(text).trim().to_lowercase();
    ["commit", "rollback"].into_iter().find(|word| text.starts_with(word)).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: u8, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(body.len() + 4).unwrap().to_be_bytes();
        [&[kind][..], &length, body].concat()
    }

    #[test]
    fn what_runs_a_statement_or_ends_a_transaction_is_a_step() {
        let mut sent = Sent::default();
        let start = [&8_u32.to_be_bytes()[..], &[0, 3, 0, 0]].concat();
        let all = [
            start,
            message(b'Q', b"begin; set local app.tenant = 'x'\0"),
            message(b'P', b"s1\0select one\0\0\0"),
            message(b'D', b"Ss1\0"),
            message(b'S', b""),
            message(b'B', b"\0s1\0\0\0\0\0\0\0"),
            message(b'E', b"\0\0\0\0\0"),
            message(b'S', b""),
            message(b'Q', b"commit\0"),
        ]
        .concat();
        // However it is cut.
        let mut groups = Vec::new();
        for part in all.chunks(7) {
            groups.extend(sent.read(part));
        }
        let steps: Vec<_> = groups.iter().map(|group| group.step.as_deref()).collect();
        assert_eq!(steps, [None, None, None, Some("select one"), Some("commit")]);
        assert_eq!(groups.into_iter().flat_map(|group| group.bytes).collect::<Vec<_>>(), all);
    }

    #[test]
    fn an_answer_says_who_serves_and_when_it_is_ready() {
        let all = [
            message(b'K', &[0, 0, 1, 2, 9, 9, 9, 9]),
            message(b'Z', b"T"),
            message(b'C', b"x\0"),
            message(b'E', b"SERROR\0C23505\0MC40P01 is not its code\0\0"),
            message(b'E', b"SERROR\0C40P01\0Mdeadlock detected\0\0"),
        ];
        let mut answered = Answered::default();
        let said: Vec<_> = all.concat().chunks(3).flat_map(|part| answered.read(part)).collect();
        assert_eq!(said, [Said::Process(258), Said::Ready(b'T'), Said::Circle]);
    }
}
