//! The world of one property: its rows, and what has happened. Rows that are there at the start
//! have ids that say what they are, the same in each tenant; what comes later is named by what
//! it is of, so that two worlds can be compared that were made by different calls.

use std::collections::BTreeMap;

use booking::deciding::{BookingStatus, Status, Stay};
use jiff::civil::{Date, date};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use uuid::Uuid;

use crate::call::{Call, Choice};

/// The day from which nights are counted.
const DAY_ZERO: Date = date(2041, 3, 4);

pub const PROPERTY: Uuid = Uuid::from_u128(0x10);

/// Nights by numbers, the last one left out.
pub type Nights = (i32, i32);

/// How a database stores requests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Layout {
    /// In a table of their own.
    #[default]
    Standard,
    /// As rows of the table of bookings, whose constraint covers what is sold.
    Single,
    /// The same, and the constraint covers open requests too.
    Literal,
    /// It stores none, but who is who.
    Identity,
}

/// What each call says beside its message.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Headers {
    #[default]
    None,
    /// Its name as its idempotency key.
    Key,
    /// The version that its row has at the start.
    Etag,
}

/// The rows of a property, and what has happened.
#[derive(Debug, Clone, Default)]
pub struct World {
    pub layout: Layout,
    pub requests: Vec<Request>,
    pub bookings: Vec<Booking>,
    pub ranges: Vec<Range>,
    /// Whether requests hold their dates.
    pub holds: bool,
    pub auto_decline: bool,
    /// In the order in which the feed tells them.
    pub events: Vec<Event>,
    pub headers: Headers,
    /// What has been answered to keys.
    pub answers: Vec<(Call, String)>,
    /// How often the token of a person's first session has been exchanged.
    pub exchanged: u8,
    /// How what is wrong with the first request may be put right.
    pub choices: Vec<Choice>,
    /// What puts right what is wrong with other rows.
    pub mends: Vec<Call>,
    /// Whether calls about customers and the property are tried, too.
    pub is_wide: bool,
    /// A request that somebody has locked, which those who do what follows by itself pass over.
    pub passed_over: Option<Uuid>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    pub id: Uuid,
    pub guest: Uuid,
    pub nights: Nights,
    pub status: Status,
    pub approved: Option<Uuid>,
    pub held: Option<Uuid>,
    /// Whether its hold has run out.
    pub is_due: bool,
    pub confirmed: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Booking {
    pub id: Uuid,
    pub request: Option<Uuid>,
    pub guest: Option<Uuid>,
    pub nights: Nights,
    pub status: BookingStatus,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Range {
    pub id: Uuid,
    /// `None` is a block.
    pub source: Option<Uuid>,
    pub nights: Nights,
    pub active: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    pub action: &'static str,
    pub request: Option<Uuid>,
    pub booking: Option<Uuid>,
    pub block: Option<Uuid>,
    pub evidence: &'static str,
}

/// The n-th guest, request, booking or block of a starting state.
pub fn guest(n: u128) -> Uuid {
    Uuid::from_u128(0x20 + n)
}

pub fn request(n: u128) -> Uuid {
    Uuid::from_u128(0x100 + n)
}

pub fn booking(n: u128) -> Uuid {
    Uuid::from_u128(0x200 + n)
}

pub fn range(n: u128) -> Uuid {
    Uuid::from_u128(0x300 + n)
}

pub fn block(n: u128) -> Uuid {
    Uuid::from_u128(0x400 + n)
}

/// The number of this day, in UTC.
pub fn today() -> i32 {
    (Timestamp::now().to_zoned(TimeZone::UTC).date() - DAY_ZERO).get_days()
}

/// The day of a number.
pub fn day(n: i32) -> Date {
    DAY_ZERO.saturating_add(n.days())
}

pub fn stay((from, to): Nights) -> Stay {
    Stay { check_in: day(from), check_out: day(to) }
}

impl World {
    /// Its lines, with the names of rows in place of their ids.
    pub fn lines(&self) -> Vec<String> {
        let text = |id: Option<Uuid>| id.map_or_else(String::new, |id| id.to_string());
        let days = |(from, to): Nights| format!("{}|{}", day(from), day(to));
        let policy = if self.holds { "hold" } else { "none" };
        let mut lines = vec![format!("settings|{}", self.auto_decline), format!("property|{policy}")];
        lines.extend(self.requests.iter().map(|one| {
            let Request { id, guest, nights, status, approved, held, confirmed, .. } = one;
            let (approved, held, nights) = (text(*approved), text(*held), days(*nights));
            format!("request|{id}|{guest}|{nights}|{}|{approved}|{held}|{confirmed}", status.name())
        }));
        lines.extend(self.bookings.iter().map(|one| {
            let Booking { id, request, guest, nights, status } = one;
            let (request, guest, nights) = (text(*request), text(*guest), days(*nights));
            format!("booking|{id}|{request}|{guest}|{nights}|{}", status.name())
        }));
        let is_shown = |range: &&Range| range.active || range.source.is_none();
        lines.extend(self.ranges.iter().filter(is_shown).map(|Range { id, source, nights, active }| {
            let (source, nights) = (text(*source), days(*nights));
            if source.is_empty() {
                format!("block|{id}|{nights}|{active}")
            } else {
                format!("range|{source}|{nights}")
            }
        }));
        for (place, one) in self.events.iter().enumerate() {
            let Event { action, request, booking, block, evidence } = one;
            let (request, booking, block) = (text(*request), text(*booking), text(*block));
            lines.push(format!("event|{:02}|{action}|{request}|{booking}|{block}|{evidence}", place + 1));
        }
        lines.extend(self.answers.iter().map(|(call, _)| format!("key|{call}|true")));
        named(lines)
    }
}

/// Lines with the names of rows in place of their ids, in their order.
pub fn named(lines: Vec<String>) -> Vec<String> {
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    for n in 1..=9 {
        for (kind, id) in [("g", guest(n)), ("r", request(n)), ("b", booking(n)), ("k", block(n))] {
            names.insert(id.to_string(), format!("{kind}{n}"));
        }
    }
    let night = |text: &str| text.parse::<Date>().map_or(0, |date| (date - DAY_ZERO).get_days());
    for kind in ["request", "block", "booking"] {
        for line in &lines {
            let parts: Vec<&str> = line.split('|').collect();
            if parts[0] != kind || names.contains_key(parts[1]) {
                continue;
            }
            let known = |id: &str| names.get(id).cloned().unwrap_or_default();
            let name = match parts[0] {
                "request" => format!("r[{} {}]", known(parts[2]), night(parts[3])),
                "block" => format!("k[{} {}]", night(parts[2]), night(parts[3])),
                _ if !parts[2].is_empty() => format!("b[{}]", known(parts[2])),
                _ => format!("b[{} {}]", known(parts[3]), night(parts[4])),
            };
            names.insert(parts[1].to_owned(), name);
        }
    }
    let shown = |part: &str| match names.get(part) {
        Some(name) => name.clone(),
        None if part.parse::<Date>().is_ok() => night(part).to_string(),
        None => part.to_owned(),
    };
    let mut lines: Vec<String> =
        lines.iter().map(|line| line.split('|').map(shown).collect::<Vec<_>>().join("|")).collect();
    lines.sort_unstable();
    in_any_order(lines)
}

/// What one statement tells of several requests has no order among them: it is that of their names.
fn in_any_order(mut lines: Vec<String>) -> Vec<String> {
    // What an event tells, without its place and its request.
    let told = |line: &str| -> Option<(String, String)> {
        let parts: Vec<&str> = line.split('|').collect();
        let ["event", _, action @ ("auto_declined" | "cancelled" | "fulfilment_lost"), _, booking, ..] =
            parts[..]
        else {
            return None;
        };
        Some((action.to_owned(), booking.to_owned()))
    };
    let place = "event|00".len();
    for run in lines.chunk_by_mut(|one, other| told(one).is_some() && told(one) == told(other)) {
        let mut rest: Vec<String> =
            run.iter().map(|line| line.get(place..).unwrap_or_default().to_owned()).collect();
        if run.len() > 1 {
            rest.sort_unstable();
            for (line, rest) in run.iter_mut().zip(rest) {
                line.replace_range(place.., &rest);
            }
        }
    }
    lines
}
