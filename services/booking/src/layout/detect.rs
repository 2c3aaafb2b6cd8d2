//! Looks at a database: which layout it has, which rows its constraint covers, and
//! what it lacks. Found out by looking, never configured, and again whenever a
//! statement does not fit.

use std::sync::{Arc, LazyLock};

use pg::schema::Lacking;
use pg::{Database, Fault, Kind, StatementError, Statements, is_constraint};

use super::blocking::Blocking;
use super::catalog::{self, Constraint, Covered, STATEMENTS, StoredTable};
use super::columns::{self, NO_DOUBLE_BOOKINGS, NO_OVERLAPPING_RANGES};
use super::migrated::MADE;
use super::problem::Problem;
use super::statuses::{Enum, Statuses, known_words};
use super::types::{self, Altered};
use crate::domain::booking::BookingStatus;
use crate::domain::layout::Layout;
use crate::domain::request::Status;
use crate::domain::rules::Broken;
use crate::domain::stay::{MAX_NIGHTS, Stay};

/// The statements that look; they are the same for every layout.
static LOOKS: LazyLock<Result<Arc<Statements>, StatementError>> =
    LazyLock::new(|| Statements::new(STATEMENTS.iter().copied()).map(Arc::new));

/// What was found.
#[derive(Debug)]
pub struct Found {
    pub layout: Layout,
    pub request_hold: RequestHold,
    /// The constraint against double bookings as the database has it; empty when it
    /// is missing.
    pub constraint: String,
    pub blocking: Blocking,
    /// Whether a booking of more nights than a stay has is refused, which a request is not
    /// where another table has it.
    refuses_long: bool,
    pub statuses: Statuses,
    /// What statements need and the database lacks.
    pub problems: Vec<Problem>,
    /// Columns of another type, with which it depends on the statements.
    pub doubtful: Vec<Problem>,
    tables: Vec<StoredTable>,
}

/// Which rows the constraint against double bookings covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestHold {
    /// Open requests too.
    Literal,
    /// What is sold.
    ConfirmedOnly,
    /// Rows that a further column picks.
    Flag,
    /// None.
    Missing,
}

impl Found {
    /// Looks at the database.
    pub async fn detect(db: &Database) -> Result<Self, Fault> {
        let looks = LOOKS.as_ref().map_err(|error| Fault::new(Kind::Other, error.to_string()))?;
        let db = &db.with(Arc::clone(looks));
        pg::retrying(|| Self::look(db)).await
    }

    async fn look(db: &Database) -> Result<Self, Fault> {
        // By one connection: readiness asks for this each second, and what a connection is asked
        // for the first time costs it many times as much.
        let tx = db.begin_global().await?;
        let (tables, constraints) = catalog::tables_and_constraints(&tx).await?;
        let firing = catalog::triggers(&tx).await?;
        let lacking = pg::schema::lacking_in(db, &tx, MADE).await?;
        let layout = layout_of(&|name, column| {
            let table = tables.iter().find(|one| one.name == name);
            table.is_some_and(|table| column.is_none_or(|column| table.column(column).is_some()))
        });
        let mut statuses = catalog::status_enums(&tx, &tables).await?;
        let double = constraints.iter().find(|one| {
            one.table == "bookings" && one.exclusion && is_constraint(&one.name, NO_DOUBLE_BOOKINGS)
        });
        let checks: Vec<&Constraint> =
            constraints.iter().filter(|one| !one.exclusion && one.condition.contains("status")).collect();
        let of_each: Vec<&Constraint> = double.into_iter().chain(checks.iter().copied()).collect();
        let mut of_each = catalog::covered(db, tx, &of_each, &statuses).await?.into_iter();
        let covered = match double {
            Some(_) => of_each.next().flatten(),
            None => Some(Covered::default()),
        };
        let checked: Vec<(&Constraint, Option<Covered>)> = checks.into_iter().zip(of_each).collect();
        let request_hold = RequestHold::of(covered.as_ref().map(|covered| &*covered.known));
        let mut problems = missing_columns(layout, &tables);
        problems.extend(missing_guards(layout, &tables, &constraints, &firing));
        problems.extend(refused_statuses(layout, &checked, &mut statuses, &tables));
        let Altered { unfit, doubtful } = types::altered(layout, &tables);
        problems.extend(unfit);
        problems.extend(lacking.into_iter().map(Problem::Right));
        Ok(Self {
            layout,
            request_hold,
            constraint: double.map(|one| one.definition.clone()).unwrap_or_default(),
            refuses_long: layout == Layout::Standard
                && constraints
                    .iter()
                    .any(|one| one.table == "bookings" && is_constraint(&one.name, columns::BOOKINGS_NIGHTS)),
            blocking: blocking(layout, covered, double.map_or("", |one| &*one.condition)),
            statuses,
            problems,
            doubtful,
            tables,
        })
    }

    /// A database in which nothing is missing, for tests without one.
    #[cfg(test)]
    pub fn whole(layout: Layout, blocking: Blocking) -> Self {
        Self {
            layout,
            request_hold: RequestHold::Literal,
            constraint: String::new(),
            blocking,
            refuses_long: false,
            statuses: Statuses::default(),
            problems: Vec::new(),
            doubtful: Vec::new(),
            tables: Vec::new(),
        }
    }

    /// What keeps a stay from being booked, whatever the rules of its property are.
    pub fn too_long(&self, stay: Stay) -> Option<Broken> {
        (self.refuses_long && stay.is_too_long()).then_some(Broken::MostNights(MAX_NIGHTS))
    }

    /// What is missing, one sentence each.
    pub fn problem_sentences(&self) -> Vec<String> {
        self.problems.iter().map(Problem::sentence).collect()
    }

    /// Whether the statements for another find are those for this one.
    pub fn same_statements(&self, other: &Self) -> bool {
        self.layout == other.layout && self.blocking == other.blocking && self.statuses == other.statuses
    }

    /// Whether rows of requests may lack what a list orders them by.
    pub fn has_unplaced_requests(&self) -> bool {
        let table = if self.layout == Layout::Standard { "booking_requests" } else { "bookings" };
        ["created_at", "check_in"].into_iter().any(|column| self.may_be_null(table, column))
    }

    /// Whether a column may be empty.
    pub fn may_be_null(&self, table: &str, column: &str) -> bool {
        let table = self.tables.iter().find(|one| one.name == table);
        table.and_then(|table| table.column(column)).is_some_and(|column| !column.not_null)
    }

    /// Whether the same tables were found.
    pub fn same_tables(&self, other: &Self) -> bool {
        self.tables == other.tables
    }

    /// Counts the doubtful columns among the problems with which statements do not
    /// fit; `misfits` are their texts.
    pub fn prove(&mut self, misfits: &[String]) {
        self.problems.extend(types::at_fault(&self.doubtful, misfits));
    }

    /// The problem that a statement ran into, if it is known.
    pub fn problem_behind(&self, fault: &Fault) -> Option<&Problem> {
        let missing = || self.problems.iter().filter_map(|one| Some((one, one.missing()?)));
        let right = |is_it: &dyn Fn(&Lacking) -> bool| {
            self.problems.iter().find(|one| matches!(one, Problem::Right(lacking) if is_it(lacking)))
        };
        match fault.kind() {
            Kind::SchemaDrift { .. } => {
                let named = missing().find(|(_, name)| fault.lacks(name)).map(|(problem, _)| problem);
                // What is in a schema that may not be used is not found by its name.
                let hidden = || right(&Lacking::hides_a_schema);
                named.or_else(hidden).or_else(|| missing().next().map(|(problem, _)| problem))
            }
            // The server names what the right is to, whatever words are around it.
            Kind::NoRight { .. } => right(&|lacking| lacking.is_behind(fault)),
            _ => None,
        }
    }
}

impl RequestHold {
    /// By the statuses that the constraint covers; `None` when more than the
    /// status decides.
    fn of(covered: Option<&[BookingStatus]>) -> Self {
        match covered {
            None => Self::Flag,
            Some(covered) if covered.contains(&BookingStatus::Requested) => Self::Literal,
            Some(covered) if covered.contains(&BookingStatus::Confirmed) => Self::ConfirmedOnly,
            Some(_) => Self::Missing,
        }
    }

    /// As the runbook names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Literal => "LITERAL",
            Self::ConfirmedOnly => "CONFIRMED_ONLY",
            Self::Flag => "FLAG",
            Self::Missing => "MISSING",
        }
    }
}

/// Without a table of requests it is the single-table layout, unless bookings refer to
/// one: then the table has been lost, and that is drift. `has` knows the tables, and the
/// columns of each.
pub fn layout_of(has: &dyn Fn(&str, Option<&str>) -> bool) -> Layout {
    let refers = has("bookings", Some("booking_request_id"));
    if has("booking_requests", Some("id")) || refers || !has("bookings", None) {
        Layout::Standard
    } else {
        Layout::SingleTable
    }
}

/// In the standard layout only bookings are in the constraint's table, so that it
/// is what the migration made it. In the single table the live predicate counts. Where
/// it looks at more than the status, whoever it covers is in the way, too: an approve
/// would run into it and its explanation would never see why. What was deleted takes
/// nights only where the constraint says so.
fn blocking(layout: Layout, covered: Option<Covered>, condition: &str) -> Blocking {
    let Some(Covered { known, others: _, deleted }) = covered else {
        let base = if layout == Layout::Standard { Blocking::NotFreed } else { Blocking::Sold };
        let live = Blocking::Live(Box::new(base));
        return Blocking::Flagged(Box::new(live), condition.to_owned());
    };
    let kept = match (layout, RequestHold::of(Some(&known))) {
        (Layout::Standard, _) | (Layout::SingleTable, RequestHold::Literal) => Blocking::NotFreed,
        (Layout::SingleTable, RequestHold::ConfirmedOnly) => Blocking::Covered(with_guests(known)),
        (Layout::SingleTable, RequestHold::Flag | RequestHold::Missing) => Blocking::Sold,
    };
    if deleted { kept } else { Blocking::Live(Box::new(kept)) }
}

/// These, and whoever comes or is there: a constraint may leave out who has checked in.
fn with_guests(mut covered: Vec<BookingStatus>) -> Vec<BookingStatus> {
    for status in [BookingStatus::Confirmed, BookingStatus::CheckedIn] {
        if !covered.contains(&status) {
            covered.push(status);
        }
    }
    covered
}

fn missing_columns(layout: Layout, stored: &[StoredTable]) -> Vec<Problem> {
    let mut problems = Vec::new();
    for columns::Table { name: table, columns } in columns::tables(layout) {
        let Some(stored) = stored.iter().find(|stored| stored.name == table) else {
            problems.push(Problem::Table(table));
            continue;
        };
        let absent = columns.into_iter().filter(|name| stored.column(name).is_none());
        problems.extend(absent.map(|name| Problem::Column { table, name }));
    }
    problems
}

/// Guards of nights that are not there, and triggers that do not fire.
fn missing_guards(
    layout: Layout,
    tables: &[StoredTable],
    constraints: &[Constraint],
    firing: &[(String, String)],
) -> Vec<Problem> {
    let has = |table: &str| tables.iter().any(|one| one.name == table);
    let guarded = |table: &str, name: &str| {
        constraints.iter().any(|one| one.table == table && one.exclusion && is_constraint(&one.name, name))
    };
    let mut guards = vec![("inventory_ranges", NO_OVERLAPPING_RANGES)];
    if layout == Layout::Standard {
        guards.insert(0, ("bookings", NO_DOUBLE_BOOKINGS));
    }
    let unguarded = guards.into_iter().filter(|&(table, name)| has(table) && !guarded(table, name));
    let silent = columns::TRIGGERS.into_iter().filter(|&(table, name)| {
        has(table) && !firing.iter().any(|(of, trigger)| (&**of, &**trigger) == (table, name))
    });
    let constraints = unguarded.map(|(table, name)| Problem::Constraint { table, name });
    constraints.chain(silent.map(|(table, name)| Problem::Trigger { table, name })).collect()
}

/// Check constraints that refuse a status which this version writes, and enums that
/// lack one. Finds out besides in which table rows may have a word that is not known.
fn refused_statuses(
    layout: Layout,
    checked: &[(&Constraint, Option<Covered>)],
    statuses: &mut Statuses,
    tables: &[StoredTable],
) -> Vec<Problem> {
    let mut problems = Vec::new();
    // The tables in which nothing but known words can be.
    let mut closed = Vec::new();
    for table in ["booking_requests", "bookings"] {
        let Some(Enum { name, labels }) = statuses.of(table) else { continue };
        let lacks = |status: &BookingStatus| !labels.iter().any(|label| label == status.name());
        let lacking = written_statuses(layout, table).into_iter().filter(lacks);
        problems.extend(lacking.map(|status| Problem::Word { of: name.clone(), word: status.name() }));
        if labels.iter().all(|label| known_words().contains(&label.as_str())) {
            closed.push(table.to_owned());
        }
    }
    for (constraint, covered) in checked {
        let written = written_statuses(layout, &constraint.table);
        let Some(covered) = covered else { continue };
        let refused: Vec<BookingStatus> =
            written.into_iter().filter(|status| !covered.known.contains(status)).collect();
        if !refused.is_empty() {
            let (table, constraint) = (constraint.table.clone(), constraint.name.clone());
            problems.push(Problem::Status { table, constraint, refused });
        }
        if constraint.validated && !covered.others {
            closed.push(constraint.table.clone());
        }
    }
    let any_word = |table: &str| {
        let column = tables.iter().find(|one| one.name == table).and_then(|table| table.column("status"));
        !closed.iter().any(|one| one == table) || !column.is_some_and(|column| column.not_null)
    };
    statuses.any_booking_word = any_word("bookings");
    statuses.any_word = any_word(if layout == Layout::Standard { "booking_requests" } else { "bookings" });
    problems
}

/// The statuses that this version writes into a table. A request expires in the
/// standard layout only, where no booking does.
fn written_statuses(layout: Layout, table: &str) -> Vec<BookingStatus> {
    let of_requests = |status: &BookingStatus| Status::ALL.iter().any(|one| one.name() == status.name());
    let own = BookingStatus::ALL.into_iter();
    match (table, layout) {
        ("booking_requests", _) => own.filter(of_requests).collect(),
        ("bookings", Layout::Standard) => own.filter(|status| status.is_written()).collect(),
        ("bookings", Layout::SingleTable) => {
            own.filter(|status| status.is_written() || of_requests(status)).collect()
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(problems: Vec<Problem>) -> Found {
        Found { problems, ..Found::whole(Layout::Standard, Blocking::NotFreed) }
    }

    #[test]
    fn a_fault_finds_the_problem_that_it_names_whole() {
        let note = Problem::Column { table: "booking_requests", name: "internal_note" };
        let notes = Problem::Column { table: "bookings", name: "internal_notes" };
        let range = Problem::Constraint { table: "inventory_ranges", name: NO_OVERLAPPING_RANGES };
        let [table, constraint] = ["bookings", "bookings_status_check"].map(str::to_owned);
        let status = Problem::Status { table, constraint, refused: vec![BookingStatus::Confirmed] };
        let found = found(vec![status, notes.clone(), note.clone(), range.clone()]);
        for (object, expected) in [
            ("column r.internal_note", &note),
            ("column \"internal_notes\" of relation \"bookings\"", &notes),
            ("constraint \"inventory_ranges_no_overlap\" for table \"inventory_ranges\"", &range),
            ("function gone()", &notes),
        ] {
            let fault = Fault::new(Kind::SchemaDrift { object: object.to_owned() }, "");
            assert_eq!(found.problem_behind(&fault), Some(expected), "{object}");
        }
        assert_eq!(found.problem_behind(&Fault::new(Kind::Contention, "")), None);
    }

    #[test]
    fn statuses_that_are_written_are_those_of_the_layout() {
        let names = |layout, table| -> Vec<&str> {
            written_statuses(layout, table).into_iter().map(BookingStatus::name).collect()
        };
        assert_eq!(
            names(Layout::Standard, "bookings"),
            ["requested", "confirmed", "checked_in", "checked_out", "cancelled", "declined", "no_show"]
        );
        assert!(names(Layout::SingleTable, "bookings").contains(&"under_review"));
        assert!(names(Layout::Standard, "inventory_ranges").is_empty());
    }
}
