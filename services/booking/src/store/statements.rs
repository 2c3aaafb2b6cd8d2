//! The statements, as the layout has them. Most differ in names only and are
//! templates; those that differ in what they do have a file per layout.
//!
//! Plans are made while tables are small and kept while they grow. Small, the
//! index of an exclusion constraint looks as good as any, and would later be
//! walked for a whole tenant. A condition `(status = 'x') is true` does not imply
//! the constraint's predicate, which rules its index out where a row is looked up
//! by an id.

use crate::domain::approval::Layout;

macro_rules! statements {
    ($($name:ident = $standard:literal, $single_table:literal;)*) => {
        /// Every statement's text.
        #[derive(Debug)]
        pub struct Statements {
            $(pub $name: String,)*
        }

        impl Statements {
            /// The statements for a layout, with the condition of rows that keep the dates.
            pub fn new(layout: Layout, blocking: &str) -> Self {
                let filling = Filling::new(layout, blocking);
                let pick = |standard: &str, single_table: &str| {
                    filling.fill(match layout {
                        Layout::Standard => standard,
                        Layout::SingleTable => single_table,
                    })
                };
                $(let $name = pick(
                    include_str!(concat!("sql/", $standard, ".sql")),
                    include_str!(concat!("sql/", $single_table, ".sql")),
                );)*
                let mut statements = Self { $($name,)* };
                statements.look_around = statements.look_around.replace("{share}", "for share");
                statements.explain = statements.explain.replace("{share}", "");
                statements
            }

            /// Every statement by name, those that are composed in one form each.
            pub fn all(&self) -> Vec<(&'static str, String)> {
                let composed = Composed { filters: "", after: "", order: "" };
                let finished = |text: &String| composed.fill(text);
                vec![$((stringify!($name), finished(&self.$name)),)*]
            }
        }
    };
}

statements! {
    lock_property = "lock_property", "lock_property";
    lock_booking_request = "lock_booking_request", "lock_booking_request";
    get_booking_request = "get_booking_request", "get_booking_request";
    insert_booking_request = "standard/insert_booking_request", "single_table/insert_booking_request";
    look_around = "look_around", "look_around";
    // The same for readers: nothing is locked.
    explain = "look_around", "look_around";
    release_ranges = "release_ranges", "release_ranges";
    book = "standard/book", "single_table/book";
    book_hold = "standard/book_hold", "single_table/book";
    link = "standard/link", "single_table/link";
    decline_competitors = "decline_competitors", "decline_competitors";
    close = "standard/close", "single_table/close";
    start_review = "start_review", "start_review";
    lock_booking_group = "standard/lock_booking_group", "single_table/lock_booking_group";
    lock_own_booking = "standard/lock_own_booking", "lock_booking";
    lock_booking = "lock_booking", "lock_booking";
    get_booking = "get_booking", "get_booking";
    cancel_booking = "standard/cancel_booking", "single_table/cancel_booking";
    step_booking = "step_booking", "step_booking";
    list_bookings = "list_bookings", "list_bookings";
    list_by_status = "list_booking_requests_by_status", "list_booking_requests_by_status";
    list_of = "list_booking_requests_of", "list_booking_requests_of";
    count_booking_requests = "count_booking_requests", "count_booking_requests";
    list_events = "list_events", "list_events";
    read_feed = "read_feed", "read_feed";
    feed_end = "feed_end", "feed_end";
    claim_key = "claim_key", "claim_key";
    get_key = "get_key", "get_key";
    answer_key = "answer_key", "answer_key";
    get_settings = "get_settings", "get_settings";
    put_settings = "put_settings", "put_settings";
    list_customers = "list_customers", "list_customers";
    get_customer = "get_customer", "get_customer";
    list_properties = "list_properties", "list_properties";
    get_property = "get_property", "get_property";
    insert_property = "insert_property", "insert_property";
    update_property = "update_property", "update_property";
    list_occupancies = "list_occupancies", "list_occupancies";
    insert_block = "insert_block", "insert_block";
    end_block = "end_block", "end_block";
    list_inconsistencies = "list_inconsistencies", "list_inconsistencies";
}

/// Statements over all tenants, for the sweeper.
pub const LIST_DUE_HOLDS: &str = include_str!("sql/list_due_holds.sql");
pub const DELETE_OLD_KEYS: &str = include_str!("sql/delete_old_keys.sql");

/// The open parts of a list statement. Each is one of a few constant texts.
#[derive(Debug, Clone, Copy)]
pub struct Composed<'a> {
    pub filters: &'a str,
    pub after: &'a str,
    pub order: &'a str,
}

impl Composed<'_> {
    /// Completes a list statement; without an order it is by creation.
    pub fn fill(self, template: &str) -> String {
        let or =
            |text: &str, default: &str| if text.is_empty() { default.to_owned() } else { text.to_owned() };
        template
            .replace("{filters}", self.filters)
            .replace("{after}", &or(self.after, "(r.created_at, r.id) < ($3::timestamptz, $4::uuid)"))
            .replace("{order}", &or(self.order, "r.created_at desc, r.id desc"))
    }
}

/// Names and conditions in which the layouts differ.
#[derive(Debug)]
struct Filling {
    pairs: Vec<(&'static str, String)>,
}

impl Filling {
    fn new(layout: Layout, blocking: &str) -> Self {
        let (requests, note, decider, live, open, owner) = match layout {
            Layout::Standard => (
                "booking_requests",
                "internal_note",
                "decided_by",
                "true",
                "r.status in ('requested', 'under_review')",
                "b.booking_request_id",
            ),
            Layout::SingleTable => (
                "bookings",
                "internal_notes",
                "approved_by",
                "r.deleted_at is null",
                "r.status in ('requested', 'under_review', 'inquiry', 'pending')",
                "b.id as booking_request_id",
            ),
        };
        let pairs = vec![
            // First: its text has further names in it.
            (
                "{reads_confirmed}",
                match layout {
                    Layout::Standard => {
                        format!("(r.status = 'confirmed' or {open} and r.approved_booking_id is not null)")
                    }
                    Layout::SingleTable => format!("{open} and r.approved_booking_id is not null"),
                },
            ),
            ("{columns}", request_columns(layout)),
            ("{names}", REQUEST_NAMES.to_owned()),
            ("{booking_columns}", booking_columns("b.", owner)),
            ("{booking_names}", booking_columns("", "booking_request_id")),
            ("{requests}", requests.to_owned()),
            ("{note}", note.to_owned()),
            ("{decider}", decider.to_owned()),
            ("{live}", live.to_owned()),
            ("{open}", open.to_owned()),
            ("{effective}", effective(layout)),
            ("{blocking}", blocking.to_owned()),
            (
                "{not_holding}",
                match layout {
                    Layout::Standard => "r.held_booking_id is null".to_owned(),
                    Layout::SingleTable => format!("not ({})", blocking.replace("b.", "r.")),
                },
            ),
            (
                "{hard_link}",
                match layout {
                    Layout::Standard => "true".to_owned(),
                    Layout::SingleTable => "r.confirmed_at is null".to_owned(),
                },
            ),
        ];
        Self { pairs }
    }

    fn fill(&self, template: &str) -> String {
        let filled = self.pairs.iter().fold(template.to_owned(), |text, (from, to)| text.replace(from, to));
        let note = self.pairs.iter().find(|(name, _)| *name == "{note}").map_or("", |(_, note)| note);
        // A note is added below those that are there.
        (3..=9).fold(filled, |text, parameter| {
            text.replace(
                &format!("{{noted ${parameter}}}"),
                &format!(
                    "case when ${parameter}::text = '' then r.{note} when r.{note} = '' then ${parameter} \
                     else r.{note} || e'\\n' || ${parameter} end"
                ),
            )
        })
    }
}

const REQUEST_NAMES: &str = "r.id, r.property_id, r.guest_id, r.check_in, r.check_out, r.status, r.guest_count, \
    r.message, r.internal_note, r.decline_reason, r.approved_booking_id, r.held_booking_id, r.hold_expires_at, \
    r.confirmed_at, r.decided_by, r.row_version, r.created_at, r.updated_at";

fn request_columns(layout: Layout) -> String {
    match layout {
        Layout::Standard => REQUEST_NAMES.to_owned(),
        Layout::SingleTable => REQUEST_NAMES
            .replace("r.internal_note", "r.internal_notes as internal_note")
            .replace("r.decided_by", "r.approved_by as decided_by")
            .replace("r.held_booking_id", "null::uuid as held_booking_id")
            .replace("r.hold_expires_at", "null::timestamptz as hold_expires_at")
            .replace(
                "r.approved_booking_id",
                "coalesce(r.approved_booking_id, case when r.status in ('confirmed', 'checked_in', \
                 'checked_out', 'no_show') then r.id end) as approved_booking_id",
            ),
    }
}

fn booking_columns(prefix: &str, owner: &str) -> String {
    let names = [
        "property_id",
        "guest_id",
        "check_in",
        "check_out",
        "status",
        "confirmed_at",
        "approved_by",
        "row_version",
        "created_at",
        "updated_at",
    ];
    let listed: Vec<String> = names.iter().map(|name| format!("{prefix}{name}")).collect();
    format!("{prefix}id, {owner}, {}", listed.join(", "))
}

fn effective(layout: Layout) -> String {
    match layout {
        Layout::Standard => "case when r.status in ('requested', 'under_review') \
            and (r.confirmed_at is not null or r.approved_booking_id is not null) then 'confirmed' \
            else r.status end"
            .to_owned(),
        Layout::SingleTable => "case when r.status in ('requested', 'under_review', 'inquiry', 'pending') \
            and (r.confirmed_at is not null or r.approved_booking_id is not null) then 'confirmed' \
            when r.status in ('checked_in', 'checked_out', 'no_show') then 'confirmed' \
            when r.status in ('inquiry', 'pending') then 'requested' \
            else r.status end"
            .to_owned(),
    }
}
