//! How the database stores requests, which rows its constraint covers, and what
//! it lacks. Found out by looking, never configured, and again whenever a
//! statement does not fit.

use pg::{Database, Fault, Kind, column, is_constraint};

use super::statements::Statements;
use crate::domain::approval::Layout;
use crate::domain::booking::BookingStatus;

/// The tables of the standard layout with the columns that statements use.
const STANDARD: &[(&str, &[&str])] = &[
    (
        "booking_requests",
        &[
            "tenant_id",
            "id",
            "property_id",
            "guest_id",
            "check_in",
            "check_out",
            "status",
            "guest_count",
            "message",
            "internal_note",
            "decline_reason",
            "approved_booking_id",
            "held_booking_id",
            "hold_expires_at",
            "confirmed_at",
            "decided_by",
            "row_version",
            "created_at",
            "updated_at",
        ],
    ),
    (
        "bookings",
        &[
            "tenant_id",
            "id",
            "booking_request_id",
            "property_id",
            "guest_id",
            "check_in",
            "check_out",
            "status",
            "confirmed_at",
            "approved_by",
            "row_version",
            "deleted_at",
            "created_at",
            "updated_at",
        ],
    ),
];

/// The same of the single-table layout.
const SINGLE_TABLE: &[(&str, &[&str])] = &[(
    "bookings",
    &[
        "tenant_id",
        "id",
        "property_id",
        "guest_id",
        "check_in",
        "check_out",
        "status",
        "confirmed_at",
        "approved_by",
        "approved_booking_id",
        "decline_reason",
        "guest_count",
        "message",
        "internal_notes",
        "row_version",
        "deleted_at",
        "created_at",
        "updated_at",
    ],
)];

/// What both layouts share.
const SHARED: &[(&str, &[&str])] = &[
    (
        "properties",
        &[
            "tenant_id",
            "id",
            "name",
            "time_zone",
            "max_guests",
            "hold_policy",
            "hold_hours",
            "row_version",
            "created_at",
            "updated_at",
        ],
    ),
    ("customers", &["tenant_id", "id", "name", "email", "phone", "created_at"]),
    (
        "inventory_ranges",
        &[
            "tenant_id",
            "id",
            "property_id",
            "kind",
            "source_id",
            "start_date",
            "end_date",
            "state",
            "note",
            "created_at",
        ],
    ),
    (
        "booking_events",
        &[
            "tenant_id",
            "id",
            "at",
            "booking_request_id",
            "booking_id",
            "property_id",
            "action",
            "actor",
            "evidence",
            "position",
        ],
    ),
    ("booking_settings", &["tenant_id", "auto_decline", "updated_at"]),
    ("idempotency_keys", &["tenant_id", "key", "request_hash", "answer", "created_at"]),
];

/// Statuses that are written, by table.
const WRITTEN: [(&str, &[&str]); 2] = [
    ("booking_requests", &["requested", "under_review", "confirmed", "declined", "cancelled", "expired"]),
    (
        "bookings",
        &["requested", "confirmed", "declined", "cancelled", "checked_in", "checked_out", "no_show"],
    ),
];

const TABLES: &str = "select c.relname::text as name, \
    array(select a.attname::text from pg_attribute a \
        where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns \
    from pg_class c \
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')";

const CONSTRAINTS: &str = "select c.relname::text as table_name, k.conname::text as name, k.contype::text as kind, \
    pg_get_constraintdef(k.oid) as definition, \
    coalesce(pg_get_expr(k.conbin, k.conrelid), pg_get_expr(x.indpred, x.indrelid), 'true') as condition, \
    array(select a.attname::text from pg_attribute a where a.attrelid = k.conrelid and case k.contype \
        when 'c' then a.attnum = any (k.conkey) \
        else exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = k.conindid \
            and d.refclassid = 'pg_class'::regclass and d.refobjid = k.conrelid and d.refobjsubid = a.attnum) \
        end) as columns \
    from pg_constraint k join pg_class c on c.oid = k.conrelid left join pg_index x on x.indexrelid = k.conindid \
    where c.relnamespace = 'public'::regnamespace \
      and c.relname in ('booking_requests', 'bookings', 'inventory_ranges') \
      and k.contype in ('c', 'x')";

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

/// What was found.
#[derive(Debug)]
pub struct Schema {
    pub layout: Layout,
    pub request_hold: RequestHold,
    /// The constraint as the database has it; empty when it is missing.
    pub constraint: String,
    pub statements: Statements,
    /// What statements need and the database lacks, as the faults that they end in.
    pub problems: Vec<Kind>,
}

struct Constraint {
    table: String,
    name: String,
    exclusion: bool,
    definition: String,
    condition: String,
    /// What the condition looks at, for an exclusion also what its ranges are made of.
    columns: Vec<String>,
}

impl Schema {
    /// Looks at the database.
    pub async fn detect(db: &Database) -> Result<Self, Fault> {
        let tables = tables(db).await?;
        let constraints = constraints(db).await?;
        let layout = layout(&tables);
        let double = constraints.iter().find(|one| {
            one.table == "bookings" && one.exclusion && is_constraint(&one.name, "no_double_bookings")
        });
        let (request_hold, covered) = match double {
            Some(constraint) => hold_of(constraint.covered(db).await?),
            None => (RequestHold::Missing, Vec::new()),
        };
        let mut problems = missing_columns(layout, &tables);
        let range = constraints
            .iter()
            .any(|one| one.exclusion && is_constraint(&one.name, "inventory_ranges_no_overlap"));
        if layout == Layout::Standard && double.is_none() && tables.iter().any(|(name, _)| name == "bookings")
        {
            problems.push(missing("constraint bookings.no_double_bookings".to_owned()));
        }
        if !range && tables.iter().any(|(name, _)| name == "inventory_ranges") {
            problems.push(missing("constraint inventory_ranges.inventory_ranges_no_overlap".to_owned()));
        }
        problems.extend(refused_statuses(db, layout, &constraints).await?);
        Ok(Self {
            layout,
            request_hold,
            constraint: double.map(|one| one.definition.clone()).unwrap_or_default(),
            statements: Statements::new(layout, &blocking(layout, request_hold, &covered)),
            problems,
        })
    }

    /// What is missing, in the words that calls are refused with.
    pub fn problem_sentences(&self) -> Vec<String> {
        let sentence = |kind: &Kind| {
            let refusal = Fault::new(kind.clone(), "").refusal();
            format!("{}: {}", refusal.reason().name(), refusal.message())
        };
        self.problems.iter().map(sentence).collect()
    }

    /// Whether statements of the other one would do as well.
    pub fn same_statements(&self, other: &Self) -> bool {
        self.layout == other.layout && self.statements.look_around == other.statements.look_around
    }
}

/// Without a table of requests it is the single-table layout, unless bookings
/// refer to one: then the table has been lost.
fn layout(tables: &[(String, Vec<String>)]) -> Layout {
    let has = |table: &str, column: &str| {
        tables.iter().any(|(name, columns)| name == table && columns.iter().any(|one| one == column))
    };
    let bookings = tables.iter().any(|(name, _)| name == "bookings");
    if has("booking_requests", "id") || has("bookings", "booking_request_id") || !bookings {
        Layout::Standard
    } else {
        Layout::SingleTable
    }
}

async fn tables(db: &Database) -> Result<Vec<(String, Vec<String>)>, Fault> {
    let rows = db.query_global(TABLES, &[]).await?;
    rows.iter().map(|row| Ok((column(row, "name")?, column(row, "columns")?))).collect()
}

async fn constraints(db: &Database) -> Result<Vec<Constraint>, Fault> {
    let rows = db.query_global(CONSTRAINTS, &[]).await?;
    rows.iter()
        .map(|row| {
            Ok(Constraint {
                table: column(row, "table_name")?,
                name: column(row, "name")?,
                exclusion: column::<&str>(row, "kind")? == "x",
                definition: column(row, "definition")?,
                condition: column(row, "condition")?,
                columns: column(row, "columns")?,
            })
        })
        .collect()
}

fn missing(object: String) -> Kind {
    Kind::SchemaDrift { object }
}

fn missing_columns(layout: Layout, tables: &[(String, Vec<String>)]) -> Vec<Kind> {
    let own = match layout {
        Layout::Standard => STANDARD,
        Layout::SingleTable => SINGLE_TABLE,
    };
    let mut problems = Vec::new();
    for (table, needed) in own.iter().chain(SHARED) {
        let Some((_, columns)) = tables.iter().find(|(name, _)| name == table) else {
            problems.push(missing(format!("table {table}")));
            continue;
        };
        let absent = needed.iter().filter(|needed| !columns.iter().any(|column| column == *needed));
        problems.extend(absent.map(|absent| missing(format!("column {table}.{absent}"))));
    }
    problems
}

/// Check constraints that refuse a status which this version writes.
async fn refused_statuses(
    db: &Database,
    layout: Layout,
    constraints: &[Constraint],
) -> Result<Vec<Kind>, Fault> {
    let mut problems = Vec::new();
    for constraint in constraints.iter().filter(|one| !one.exclusion && one.condition.contains("status")) {
        let Some((_, written)) = WRITTEN.iter().find(|(table, _)| *table == constraint.table) else {
            continue;
        };
        let Some(allowed) = constraint.covered(db).await? else { continue };
        let reviewed = layout == Layout::SingleTable && !allowed.contains(&BookingStatus::UnderReview);
        let refuses = |status: &str| status != "expired" && !allowed.iter().any(|one| one.name() == status);
        if reviewed || written.iter().copied().any(refuses) {
            problems.push(Kind::Constraint { kind: pg::Constraint::Check, name: constraint.name.clone() });
        }
    }
    Ok(problems)
}

impl Constraint {
    /// The statuses for which the condition holds; `None` when it looks at other
    /// columns too. The text is the catalog's own.
    async fn covered(&self, db: &Database) -> Result<Option<Vec<BookingStatus>>, Fault> {
        let ranges = ["check_in", "check_out"];
        let known =
            |column: &String| column == "status" || self.exclusion && ranges.contains(&column.as_str());
        if !self.columns.iter().all(known) {
            return Ok(None);
        }
        let names: Vec<&str> = BookingStatus::ALL.iter().map(|status| status.name()).collect();
        let query = format!(
            "select status from unnest($1::text[]) as row_of (status) where coalesce(({}), true)",
            self.condition
        );
        let tx = db.begin_global().await?;
        match tx.query(&query, &[&names]).await {
            Ok(rows) => {
                tx.commit().await?;
                let names = rows.iter().map(|row| column::<&str>(row, "status"));
                Ok(Some(names.filter_map(|name| name.ok().and_then(BookingStatus::from_name)).collect()))
            }
            Err(fault) if matches!(fault.kind(), Kind::SchemaDrift { .. }) => Ok(None),
            Err(fault) => Err(fault),
        }
    }
}

fn hold_of(covered: Option<Vec<BookingStatus>>) -> (RequestHold, Vec<BookingStatus>) {
    match covered {
        None => (RequestHold::Flag, Vec::new()),
        Some(covered) => {
            let hold = if covered.contains(&BookingStatus::Requested) {
                RequestHold::Literal
            } else if covered.contains(&BookingStatus::Confirmed) {
                RequestHold::ConfirmedOnly
            } else {
                RequestHold::Missing
            };
            (hold, covered)
        }
    }
}

/// The condition of rows that keep the dates, so that the constraint's index
/// serves it.
fn blocking(layout: Layout, hold: RequestHold, covered: &[BookingStatus]) -> String {
    let literal = "b.status not in ('cancelled', 'declined', 'no_show')".to_owned();
    match (layout, hold) {
        (Layout::Standard, _) | (Layout::SingleTable, RequestHold::Literal) => literal,
        (Layout::SingleTable, RequestHold::ConfirmedOnly) => {
            let names: Vec<String> = covered.iter().map(|status| format!("'{}'", status.name())).collect();
            format!("b.status in ({})", names.join(", "))
        }
        (Layout::SingleTable, RequestHold::Flag | RequestHold::Missing) => {
            "b.status in ('confirmed', 'checked_in', 'checked_out')".to_owned()
        }
    }
}

impl RequestHold {
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
