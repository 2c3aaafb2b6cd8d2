//! The words of statements, each written once: statements are texts with named
//! gaps, `{requests}` or `{status.confirmed}`, and these are what goes into them.
//! Statuses, event kinds and evidence come from the domain's own tables.
//!
//! What is there for the plans:
//! - Plans are made while tables are small and kept while they grow. Small, the index
//!   of an exclusion constraint looks as good as any, and would later be walked for a
//!   whole property or tenant: a condition `(b.status = 'x') is true` does not imply
//!   the constraint's predicate, which rules its index out. `{active}` is of this
//!   form; the index that serves it has it as its predicate, word for word.
//! - Which rows share a night is asked as `overlaps.rs` says.

use std::collections::HashMap;

use super::blocking::{Blocking, quoted, statuses};
use super::statuses::known_words;
use super::unreadable::Which;
use super::{columns, overlaps, unreadable};
use crate::domain::actor;
use crate::domain::approval::Evidence;
use crate::domain::booking::BookingStatus;
use crate::domain::decline::{DATES_TAKEN, DeclineReason};
use crate::domain::event::EventKind;
use crate::domain::layout::Layout;
use crate::domain::property::{DEFAULT_HOLD_HOURS, HoldPolicy, MOST_HOLD_HOURS};
use crate::domain::request::Status;

/// The kind of an inventory range that a booking has.
pub const RANGE_BOOKING: &str = "booking";
/// The kind of an inventory range that keeps nights from being let.
pub const RANGE_BLOCK: &str = "block";
/// The state of an inventory range that takes its nights.
pub const RANGE_ACTIVE: &str = "active";
/// The state of an inventory range that has freed its nights.
pub const RANGE_CANCELLED: &str = "cancelled";

/// What goes into the gaps of statements.
#[derive(Debug)]
pub struct Words {
    gaps: HashMap<String, String>,
}

impl Words {
    /// The words of a layout and its constraint.
    pub fn new(layout: Layout, blocking: &Blocking) -> Self {
        let mut words = Self { gaps: HashMap::new() };
        words.add_names();
        words.add_events();
        words.add_columns(layout);
        for (gap, text) in overlaps::words() {
            words.add(&gap, text);
        }
        words.add("sold", statuses(BookingStatus::is_sold));
        words.add("freed", statuses(BookingStatus::frees_dates));
        words.add("once_sold", statuses(|status| reads_as(status, Status::Confirmed)));
        // Not the predicate of the constraint, whose index a plan would take for a whole
        // property.
        words.add("blocking", format!("({}) is true", blocking.condition("b")));
        words.add("freed_in_the_way", blocking.keeps_freed("b"));
        words.add_asked();
        words.add("most_hold_hours", MOST_HOLD_HOURS.to_string());
        words.add("hold_hours", DEFAULT_HOLD_HOURS.to_string());
        // No number or tick of ours is there: what comes after the last of another program would
        // have no place.
        words.add("numbers_end", (1_i64 << 62).to_string());
        for row in ["r", "b", "p", "properties"] {
            words.add(&format!("next_version.{row}"), next_version(row));
            words.add(&format!("shown_version.{row}"), unreadable::shown_version(row));
        }
        for row in ["r", "b"] {
            words.add(&format!("later.{row}"), later(row));
        }
        // Whether a request's link to a booking may be followed, but for its status.
        words.add(
            "same_stay",
            "r.guest_id = b.guest_id and r.property_id = b.property_id \
             and r.check_in < b.check_out and r.check_out > b.check_in",
        );
        words.add("unreadable.requests", unreadable::of_requests(layout, Which::All));
        words.add("unreadable.bookings", unreadable::of_bookings(Which::All));
        words.add("unreadable.ranges", unreadable::of_ranges());
        words.add("unreadable.properties", unreadable::of_properties());
        words.add("unreadable.customers", unreadable::of_customers());
        words.add("hold_policies", unreadable::hold_policies());
        words.add("unjudged.requests", unreadable::of_requests(layout, Which::Unjudged));
        words.add("unjudged.bookings", unreadable::of_bookings(Which::Unjudged));
        for column in ["confirmed_at", "hold_expires_at", "created_at", "archived_at"] {
            words.add(&format!("nameable.{column}"), unreadable::nameable(&format!("r.{column}")));
        }
        words.add("noted", "case when :note = '' then r.{note} when coalesce(r.{note}, '') = '' then :note else r.{note} || e'\\n' || :note end");
        match layout {
            Layout::Standard => words.add_standard(),
            Layout::SingleTable => words.add_single_table(blocking),
        }
        words
    }

    /// Adds a word, whose text may have gaps itself.
    pub fn add(&mut self, gap: &str, text: impl Into<String>) {
        self.gaps.insert(gap.to_owned(), text.into());
    }

    /// Fills the gaps of a text, and those of what goes into them. A gap that there
    /// is no word for stays, and the statement cannot be compiled.
    pub fn fill(&self, text: &str) -> String {
        let mut filled = String::with_capacity(text.len() * 2);
        let mut rest = text;
        while let Some((before, from)) = rest.split_once('{') {
            filled.push_str(before);
            let found = from.split_once('}').and_then(|(gap, after)| Some((self.gaps.get(gap)?, after)));
            match found {
                Some((word, after)) => {
                    filled.push_str(&self.fill(word));
                    rest = after;
                }
                None => {
                    filled.push('{');
                    rest = from;
                }
            }
        }
        filled.push_str(rest);
        filled
    }

    fn add_names(&mut self) {
        for status in BookingStatus::ALL {
            self.add(&format!("status.{}", status.name()), quoted(status.name()));
        }
        for status in Status::ALL {
            self.add(&format!("status.{}", status.name()), quoted(status.name()));
        }
        for kind in EventKind::ALL {
            self.add(&format!("event.{}", kind.name()), quoted(kind.name()));
        }
        for evidence in Evidence::ALL {
            self.add(&format!("evidence.{}", evidence.name()), quoted(evidence.name()));
        }
        for reason in DeclineReason::ALL {
            self.add(&format!("decline.{}", reason.name()), quoted(reason.name()));
        }
        self.add("decline.words.dates_taken", quoted(DATES_TAKEN));
        for kind in actor::KINDS {
            self.add(&format!("actor.{kind}"), quoted(kind));
        }
        for policy in HoldPolicy::ALL {
            self.add(&format!("hold_policy.{}", policy.name()), quoted(policy.name()));
        }
        for word in [RANGE_BOOKING, RANGE_BLOCK, RANGE_ACTIVE, RANGE_CANCELLED] {
            self.add(&format!("range.{word}"), quoted(word));
        }
        self.add("active", "(i.state = {range.active}) is true");
        for constraint in [columns::NO_DOUBLE_BOOKINGS, columns::NO_OVERLAPPING_RANGES] {
            self.add(&format!("constraint.{constraint}"), constraint);
        }
    }

    /// What statements say who does something by, and how an event is written.
    ///
    /// An event takes its tick last: after every row that its statement may have had to
    /// wait for, or an event that the wait was for could have a higher one. Rows wait in
    /// parts of the statement (`on conflict`, an update, another exclusion constraint),
    /// which Postgres runs in an order of its own, some of them at the very end. So each
    /// statement counts what all of its writing parts have returned in a part `settled`,
    /// and the tick is taken in a branch of a condition on that count: to know the count
    /// the parts must have run, and the branch is not entered before. Checks of foreign
    /// keys come after that. They look whether rows exist that nobody deletes.
    fn add_events(&mut self) {
        self.add("acting_user", ":actor_user");
        self.add("event_written", columns::EVENT_WRITTEN.join(", "));
        self.add("nights", columns::NIGHTS.join(", "));
        let tick = "case when settled.writes is not null then nextval('booking_event_ticks') end";
        self.add("by", format!("{{acting_user}}, :actor_kind, :actor_id, null::uuid, {tick}"));
        self.add(
            "by_itself",
            format!(
                "{{acting_user}}, {{actor.system}}, null::uuid, coalesce({{acting_user}}, :actor_id), {tick}"
            ),
        );
        self.add("decides", "{decider} = {acting_user}, decider_kind = :actor_kind, decider_id = :actor_id");
    }

    /// Which rows a list by status has. Where other programs can store any word, those
    /// with one that nobody knows are asked for in words of their own, so that each
    /// known status is a walk along its index.
    fn add_asked(&mut self) {
        let known = known_words().into_iter().map(quoted).collect::<Vec<_>>().join(", ");
        // The index of such requests has this condition word for word.
        self.add("is_unknown", format!("(r.status in ({known})) is not true"));
        self.add("is_unknown_booking", format!("(b.status in ({})) is not true", statuses(|_| true)));
        self.add("one_walk", "(values (true)) as one (walk)");
        // What is known of a row that is looked at, before it is known to be on a page.
        // On one line, since lines have conditions.
        let looked_at = [
            ("r.id", "id"),
            ("r.property_id", "property_id"),
            ("r.guest_id", "guest_id"),
            ("r.check_in", "check_in"),
            ("r.check_out", "check_out"),
            ("r.created_at", "created_at"),
            ("{effective}", "effective"),
            ("{is_unknown}", "is_unknown"),
            ("{live}", "is_live"),
        ];
        let columns = looked_at.map(|(column, name)| format!("{column} as {name}"));
        self.add("looked_at", columns.join(", "));
        self.add("looked_names", looked_at.map(|(_, name)| format!("r.{name}")).join(", "));
    }

    fn add_columns(&mut self, layout: Layout) {
        let request = columns::BOOKING_REQUEST.map(|name| match layout {
            Layout::Standard => format!("r.{name}"),
            Layout::SingleTable => single_table_column(name),
        });
        self.add("request_columns", request.join(", "));
        self.add("request_names", columns::BOOKING_REQUEST.map(|name| format!("r.{name}")).join(", "));
        self.add("sent_columns", columns::SENT.join(", "));
        self.add("sent_values", columns::SENT.map(|name| format!(":{name}")).join(", "));
        self.add("linked_columns", columns::LINKED.map(|name| format!("linked.{name}")).join(", "));
        let booking = columns::BOOKING.map(|name| match (layout, name) {
            (Layout::SingleTable, "booking_request_id") => "b.id as booking_request_id".to_owned(),
            _ => format!("b.{name}"),
        });
        self.add("booking_columns", booking.join(", "));
        self.add("booking_names", columns::BOOKING.join(", "));
        self.add("property_columns", columns::PROPERTY.join(", "));
        self.add("terms", columns::TERMS.map(|name| format!("p.{name}")).join(", "));
        self.add("customer_columns", columns::CUSTOMER.map(|name| format!("c.{name}")).join(", "));
        self.add("block_columns", columns::BLOCK.join(", "));
        self.add("range_columns", columns::BLOCK.map(|name| format!("i.{name}")).join(", "));
        self.add("settings_columns", columns::SETTINGS.join(", "));
        let event = columns::EVENT.iter().chain(&columns::NIGHTS).map(|name| format!("e.{name}"));
        self.add("event_columns", event.collect::<Vec<_>>().join(", "));
        let names: Vec<&str> = columns::EVENT.into_iter().chain(columns::NIGHTS).collect();
        self.add("event_names", names.join(", "));
    }

    fn add_standard(&mut self) {
        self.add("requests", "booking_requests");
        self.add("booking_group", "{request_group}");
        self.add("note", "internal_note");
        self.add("decider", "decided_by");
        self.add("live", "true");
        let open: Vec<String> =
            Status::ALL.into_iter().filter(|one| one.is_open()).map(|one| quoted(one.name())).collect();
        self.add("open", format!("r.status in ({})", open.join(", ")));
        // The indexes of lists are on this very expression (migration V2).
        self.add(
            "effective",
            "case when {open} and (r.confirmed_at is not null or r.approved_booking_id is not null) \
             then {status.confirmed} else r.status end",
        );
        self.add("not_holding", "r.held_booking_id is null");
        self.add("held_of_r", "r.held_booking_id");
        self.add("linked_id", "r.approved_booking_id");
        self.add("made_for", "b.booking_request_id = :id");
        self.add("confirmed_beside", "r.status = {status.confirmed}");
    }

    fn add_single_table(&mut self, blocking: &Blocking) {
        self.add("requests", "bookings");
        self.add("booking_group", "{row_group}");
        // Nothing, which the planner must not know, or it plans what is never run.
        self.add("held_of_r", "nullif(r.id, r.id)");
        self.add("note", "internal_notes");
        self.add("decider", "approved_by");
        self.add("live", "r.deleted_at is null");
        let open =
            statuses(|status| reads_as(status, Status::Requested) || reads_as(status, Status::UnderReview));
        self.add("open", format!("r.status in ({open})"));
        let requested = statuses(|status| reads_as(status, Status::Requested));
        self.add(
            "effective",
            format!(
                "case when {{open}} and (r.confirmed_at is not null or r.approved_booking_id is not null) \
                 then {{status.confirmed}} \
                 when r.status in ({{once_sold}}) then {{status.confirmed}} \
                 when r.status in ({requested}) then {{status.requested}} \
                 else r.status end"
            ),
        );
        self.add("not_holding", format!("not ({})", blocking.condition("r")));
        self.add("linked_id", SINGLE_TABLE_LINK);
        // Nothing: an open row is no booking, and one that is sold is not judged as a
        // request. The planner must not know, or it plans what is never run.
        self.add("made_for", "b.id = :id and b.id <> :id");
        // A confirmed row is its own booking.
        self.add("confirmed_beside", "false");
    }
}

/// The row of an approved request is the booking, whatever it was linked to before.
const SINGLE_TABLE_LINK: &str =
    "case when r.status in ({once_sold}) then r.id else r.approved_booking_id end";

fn single_table_column(name: &'static str) -> String {
    match (name, columns::single_table(name)) {
        ("approved_booking_id", _) => format!("{SINGLE_TABLE_LINK} as approved_booking_id"),
        ("hold_expires_at", None) => "null::timestamptz as hold_expires_at".to_owned(),
        (name, None) => format!("null::uuid as {name}"),
        (name, Some(same)) if same == name => format!("r.{name}"),
        (name, Some(other)) => format!("r.{other} as {name}"),
    }
}

/// The version that a row gets when it is written. One that another program left without a
/// version, or at the end of its column's numbers, is counted from the beginning: whoever
/// compares versions compares what else the row holds, too (`domain/version.rs`).
fn next_version(row: &str) -> String {
    let version = format!("{row}.row_version");
    format!(
        "case when {version} >= 1 and {version} < case pg_typeof({version}) \
         when 'smallint'::regtype then {} when 'integer'::regtype then {} else {} end \
         then {version} + 1 else 1 end",
        i16::MAX,
        i32::MAX,
        i64::MAX
    )
}

/// The time of a change: later than the one before it, unless that is one that we cannot name,
/// or the last one that we can.
fn later(row: &str) -> String {
    let last_change = format!("{row}.updated_at");
    let nameable = unreadable::is_followed(&last_change);
    format!("greatest(:at, case when {nameable} then {last_change} + interval '1 microsecond' end)")
}

/// Whether a row of the single table with this status is a request of that one.
fn reads_as(status: BookingStatus, request: Status) -> bool {
    Status::from_name(status.name()) == Some(request)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_without_a_word_stays() {
        let words = Words::new(Layout::Standard, &Blocking::NotFreed);
        assert_eq!(words.fill("a {status.requested} b"), "a 'requested' b");
        assert_eq!(words.fill("{status.unknown} {open"), "{status.unknown} {open");
    }

    #[test]
    fn gaps_of_shared_nights_have_no_gaps_left() {
        for layout in Layout::ALL {
            let words = Words::new(layout, &Blocking::NotFreed);
            for (gap, _) in overlaps::words() {
                assert!(!words.fill(&format!("{{{gap}}}")).contains('{'), "{gap}");
            }
        }
    }

    #[test]
    fn statuses_are_those_that_the_migrations_write() {
        let standard = Words::new(Layout::Standard, &Blocking::NotFreed);
        assert_eq!(
            standard.fill("{blocking}"),
            "(b.status not in ('cancelled', 'declined', 'no_show')) is true"
        );
        assert_eq!(standard.fill("{sold}"), "'confirmed', 'checked_in', 'checked_out'");
        assert_eq!(
            standard.fill("{effective}"),
            "case when r.status in ('requested', 'under_review') \
             and (r.confirmed_at is not null or r.approved_booking_id is not null) then 'confirmed' \
             else r.status end"
        );
        let single = Words::new(Layout::SingleTable, &Blocking::Covered(vec![BookingStatus::Pending]));
        assert_eq!(single.fill("{blocking}"), "(b.status in ('pending')) is true");
        assert_eq!(single.fill("{not_holding}"), "not (r.status in ('pending'))");
        let flagged =
            Blocking::Flagged(Box::new(Blocking::Sold), "(flag OR (status = 'x'::text))".to_owned());
        assert_eq!(
            Words::new(Layout::SingleTable, &flagged).fill("{blocking}"),
            "((b.status in ('confirmed', 'checked_in', 'checked_out') \
             or exists (select from (select b.*) as covered where (flag OR (status = 'x'::text))))) is true"
        );
        assert_eq!(single.fill("{freed_in_the_way}"), "false");
        assert_eq!(
            Words::new(Layout::Standard, &flagged).fill("{freed_in_the_way}"),
            "(b.status in ('cancelled', 'declined', 'no_show') \
             and exists (select from (select b.*) as covered where (flag OR (status = 'x'::text)))) is true"
        );
        assert_eq!(single.fill("{open}"), "r.status in ('inquiry', 'pending', 'requested', 'under_review')");
    }
}
