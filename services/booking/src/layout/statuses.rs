//! The status columns as a database has them. The migrations make them `text` with a
//! check; tables that others made have an enum there, which compares with no text and
//! takes none, and tables without a check have any word in it.
//!
//! For an enum the finished statements are rewritten: what is read of a status is
//! cast to text, and what is stored in one is cast to the enum. That costs the use of
//! indexes that name the status, so nothing of it is done where the column is text.

use crate::domain::booking::BookingStatus;
use crate::domain::request::Status;

/// The status columns of a database.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Statuses {
    /// The enum of `booking_requests.status`, as a statement names it.
    pub requests: Option<Enum>,
    /// The enum of `bookings.status`.
    pub bookings: Option<Enum>,
    /// Whether requests may have a status that this version does not know, or none.
    pub any_word: bool,
    /// Whether bookings may.
    pub any_booking_word: bool,
}

/// An enum of the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enum {
    /// As a statement names it.
    pub name: String,
    pub labels: Vec<String>,
}

impl Statuses {
    /// The enum of a table's status.
    pub fn of(&self, table: &str) -> Option<&Enum> {
        match table {
            "booking_requests" => self.requests.as_ref(),
            "bookings" => self.bookings.as_ref(),
            _ => None,
        }
    }

    /// A finished statement, with casts where a status is an enum.
    pub fn cast(&self, sql: &str) -> String {
        if self.requests.is_none() && self.bookings.is_none() {
            return sql.to_owned();
        }
        let tokens = tokens(sql);
        let mut text = Text { out: tokens.iter().map(|token| (*token).to_owned()).collect(), tokens };
        text.read_as_text();
        text.written_as_enums(self);
        text.out.concat()
    }
}

/// Every word that this version knows as a status.
pub fn known_words() -> Vec<&'static str> {
    let of_requests = Status::ALL.into_iter().map(Status::name);
    let of_bookings = BookingStatus::ALL.into_iter().map(BookingStatus::name);
    let mut words: Vec<&str> = of_requests.chain(of_bookings).collect();
    words.sort_unstable();
    words.dedup();
    words
}

/// A statement in tokens, and what becomes of each.
struct Text<'a> {
    tokens: Vec<&'a str>,
    out: Vec<String>,
}

impl Text<'_> {
    fn read_as_text(&mut self) {
        for (token, out) in self.tokens.iter().zip(&mut self.out) {
            if token.ends_with(".status") {
                out.push_str("::text");
            }
        }
    }

    fn written_as_enums(&mut self, statuses: &Statuses) {
        let (mut table, mut depth, mut set_at, mut before) = (None, 0_i32, None, "");
        for at in 0..self.tokens.len() {
            let token = self.tokens[at];
            if is_blank(token) {
                continue;
            }
            let next = self.after(at).map(|at| self.tokens[at]).unwrap_or_default();
            match token {
                "(" => depth += 1,
                ")" => depth -= 1,
                "update" if !matches!(next, "set" | "of") => table = statuses.of(next),
                "into" => {
                    table = statuses.of(next);
                    if let Some(of) = table {
                        self.inserted(at, &of.name);
                    }
                }
                "set" => set_at = Some(depth),
                "from" | "where" | "returning" if set_at == Some(depth) => set_at = None,
                "status" if set_at == Some(depth) && matches!(before, "set" | ",") && next == "=" => {
                    if let (Some(of), Some(equals)) = (table, self.after(at)) {
                        let value = self.item(equals + 1);
                        self.wrap(value, &of.name);
                    }
                }
                _ => {}
            }
            before = token;
        }
    }

    /// `into TABLE [as ALIAS] (COLUMNS) select ITEMS` or `values (ITEMS)`.
    fn inserted(&mut self, into: usize, of: &str) {
        let Some(open) = (into..self.tokens.len()).find(|at| self.tokens[*at] == "(") else { return };
        let Some(close) = (open..self.tokens.len()).find(|at| self.tokens[*at] == ")") else { return };
        let columns = self.tokens[open + 1..close].iter().filter(|token| !is_blank(token) && **token != ",");
        let Some(place) = columns.into_iter().position(|column| *column == "status") else { return };
        let Some(mut start) = self.after(close) else { return };
        if self.tokens[start] == "values" {
            let Some(values) = self.after(start) else { return };
            start = values;
        }
        let mut item = self.item(start + 1);
        for _ in 0..place {
            item = self.item(item.end + 1);
        }
        self.wrap(item, of);
    }

    /// An expression: until a comma, the end of the brackets, or a clause.
    fn item(&self, from: usize) -> std::ops::Range<usize> {
        let mut depth = 0;
        for at in from..self.tokens.len() {
            match self.tokens[at] {
                "(" => depth += 1,
                "," if depth == 0 => return from..at,
                ")" if depth == 0 => return from..at,
                ")" => depth -= 1,
                "from" | "where" | "returning" | "on" | "union" if depth == 0 => return from..at,
                _ => {}
            }
        }
        from..self.tokens.len()
    }

    fn wrap(&mut self, item: std::ops::Range<usize>, of: &str) {
        let is_part = |at: &usize| !is_blank(self.tokens[*at]);
        let ends = (item.clone().find(is_part), item.rev().find(is_part));
        if let (Some(first), Some(last)) = ends {
            self.out[first].insert(0, '(');
            self.out[last].push_str(")::text::");
            self.out[last].push_str(of);
        }
    }

    /// The next token that is not blank.
    fn after(&self, at: usize) -> Option<usize> {
        (at + 1..self.tokens.len()).find(|at| !is_blank(self.tokens[*at]))
    }
}

fn is_blank(token: &str) -> bool {
    token.starts_with("--") || token.trim().is_empty()
}

/// Words with their dots, texts in quotes, comments, blanks, and single marks.
fn tokens(sql: &str) -> Vec<&str> {
    let is_word = |mark: char| mark.is_alphanumeric() || mark == '_' || mark == '.';
    let mut tokens = Vec::new();
    let mut rest = sql;
    while let Some(first) = rest.chars().next() {
        let end = if is_word(first) {
            rest.find(|mark| !is_word(mark))
        } else if first.is_whitespace() {
            rest.find(|mark: char| !mark.is_whitespace())
        } else if rest.starts_with("--") {
            rest.find('\n')
        } else if first == '\'' {
            rest[1..].find('\'').map(|end| end + 2)
        } else {
            Some(first.len_utf8())
        };
        let (token, after) = rest.split_at(end.unwrap_or(rest.len()));
        tokens.push(token);
        rest = after;
    }
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cast(sql: &str) -> String {
        let of = |name: &str| Some(Enum { name: name.to_owned(), labels: Vec::new() });
        let (requests, bookings) = (of("request_status"), of("booking_status"));
        Statuses { requests, bookings, ..Statuses::default() }.cast(sql)
    }

    #[test]
    fn a_status_is_read_as_text_and_written_as_the_enum() {
        for (sql, expected) in [
            ("select b.id, b.status from bookings b", "select b.id, b.status::text from bookings b"),
            ("where r.status = any (:statuses)", "where r.status::text = any (:statuses)"),
            (
                "update bookings b set status = :status, updated_at = :at where b.status in ('confirmed')",
                "update bookings b set status = (:status)::text::booking_status, updated_at = :at where b.status::text in ('confirmed')",
            ),
            (
                "update booking_requests r set x = 1, status = case when :soft then r.status else 'confirmed' end, -- why\n note = ''",
                "update booking_requests r set x = 1, status = (case when :soft then r.status::text else 'confirmed' end)::text::request_status, -- why\n note = ''",
            ),
            (
                "insert into bookings as b (tenant_id, status, at) select p.tenant_id, 'requested', coalesce(:at, now()) from p",
                "insert into bookings as b (tenant_id, status, at) select p.tenant_id, ('requested')::text::booking_status, coalesce(:at, now()) from p",
            ),
            (
                "insert into bookings (id, status) values (f(:id, 1), :status) returning status",
                "insert into bookings (id, status) values (f(:id, 1), (:status)::text::booking_status) returning status",
            ),
            ("update properties p set status = 'x'", "update properties p set status = 'x'"),
            (
                "select from bookings b where status = 'x' for update of b",
                "select from bookings b where status = 'x' for update of b",
            ),
        ] {
            assert_eq!(cast(sql), expected);
        }
    }

    #[test]
    fn a_status_that_is_text_is_left_alone() {
        let sql = "update bookings b set status = 'x' where b.status = 'y'";
        assert_eq!(Statuses::default().cast(sql), sql);
    }
}
