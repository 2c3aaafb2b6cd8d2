//! The tables, columns and constraints that statements rely on, each written once:
//! readers select these lists, and detection looks whether they are there and of
//! which type. What another type means is decided in `types.rs`.

use crate::domain::layout::Layout;

/// The constraint that keeps a night from being sold twice.
pub const NO_DOUBLE_BOOKINGS: &str = "no_double_bookings";
/// The constraint that keeps a night from being taken by two inventory ranges.
pub const NO_OVERLAPPING_RANGES: &str = "inventory_ranges_no_overlap";

/// A booking request, as it is read.
pub const BOOKING_REQUEST: [&str; 22] = [
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
    "decline_reason_code",
    "decline_message",
    "approved_booking_id",
    "held_booking_id",
    "hold_expires_at",
    "confirmed_at",
    "decided_by",
    "decider_kind",
    "decider_id",
    "row_version",
    "created_at",
    "updated_at",
];

/// What a guest says of a stay and no statement but the reading ones looks at; the
/// statement that stores a new request has a parameter named as each.
pub const SENT: [&str; 2] = ["guest_count", "message"];

/// A booking, as it is read.
pub const BOOKING: [&str; 15] = [
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
    "created_at",
    "updated_at",
    "source",
    "external_id",
    "booked_check_out",
];

/// The booking that a request is linked to, as it is read with the request.
pub const LINKED: [&str; 6] = [
    "linked_id",
    "linked_guest_id",
    "linked_property_id",
    "linked_status",
    "linked_check_in",
    "linked_check_out",
];

/// A property, as it is read.
pub const PROPERTY: [&str; 18] = [
    "id",
    "name",
    "time_zone",
    "max_guests",
    "hold_policy",
    "hold_hours",
    "min_nights",
    "max_nights",
    "min_nights_by_arrival",
    "max_nights_by_arrival",
    "closed_to_arrival",
    "closed_to_departure",
    "lead_days",
    "horizon_days",
    "turnover_days",
    "row_version",
    "created_at",
    "updated_at",
];

/// What a stay at a property is held against, as it is read with a request.
pub const TERMS: [&str; 11] = [
    "max_guests",
    "time_zone",
    "min_nights",
    "max_nights",
    "min_nights_by_arrival",
    "max_nights_by_arrival",
    "closed_to_arrival",
    "closed_to_departure",
    "lead_days",
    "horizon_days",
    "turnover_days",
];

/// A customer, as it is read.
pub const CUSTOMER: [&str; 11] = [
    "id",
    "name",
    "email",
    "phone",
    "external_id",
    "source",
    "notes",
    "created_at",
    "updated_at",
    "archived_at",
    "merged_into",
];

/// The constraint on how many nights a booking has; what was stored before it may have
/// kept it away.
pub const BOOKINGS_NIGHTS: &str = "bookings_nights_check";

/// The trigger of the customers that fills what they are found by.
pub const CUSTOMER_TRIGGER: &str = "customer_keys";
/// The trigger of the properties that fills what tells their names apart.
pub const PROPERTY_TRIGGER: &str = "properties_key_name";
/// The trigger that notes what other programs write. Calls go on without it, and the rows
/// are judged when it is their turn.
pub const SUSPECT_TRIGGER: &str = "note_inconsistency_suspect";

/// Triggers without which rows are written that are not found again, each with its table.
pub const TRIGGERS: [(&str, &str); 2] = [("customers", CUSTOMER_TRIGGER), ("properties", PROPERTY_TRIGGER)];

/// By what customers are found; the table's own trigger fills them.
pub const CUSTOMER_KEYS: [&str; 5] = ["archived", "name_key", "last_name_key", "email_key", "phone_key"];

/// A block, as it is read.
pub const BLOCK: [&str; 6] = ["id", "property_id", "start_date", "end_date", "note", "state"];

/// An event, as it is read.
pub const EVENT: [&str; 14] = [
    "id",
    "at",
    "booking_request_id",
    "booking_id",
    "property_id",
    "customer_id",
    "block_id",
    "action",
    "evidence",
    "actor",
    "actor_kind",
    "actor_id",
    "on_behalf_of",
    "overridden_rules",
];

/// What an event says of nights, in the order in which it is read after the rest: those
/// that were asked for, and those of the booking.
pub const NIGHTS: [&str; 4] = ["asked_check_in", "asked_check_out", "given_check_in", "given_check_out"];

/// An event, as every statement writes it; one that has more to tell names it before.
pub const EVENT_WRITTEN: [&str; 13] = [
    "tenant_id",
    "id",
    "at",
    "booking_request_id",
    "booking_id",
    "property_id",
    "action",
    "evidence",
    "actor",
    "actor_kind",
    "actor_id",
    "on_behalf_of",
    "tick",
];

/// The settings of a tenant, as they are read.
pub const SETTINGS: [&str; 2] = ["auto_decline", "updated_at"];

/// A table with the columns that statements use.
#[derive(Debug)]
pub struct Table {
    pub name: &'static str,
    pub columns: Vec<&'static str>,
}

/// The tables that a layout needs.
pub fn tables(layout: Layout) -> Vec<Table> {
    let own = match layout {
        Layout::Standard => vec![
            table("booking_requests", &[&BOOKING_REQUEST]),
            table("bookings", &[&BOOKING, &["deleted_at"]]),
        ],
        Layout::SingleTable => {
            let mut columns: Vec<&str> =
                BOOKING_REQUEST.iter().filter_map(|name| single_table(name)).collect();
            columns.retain(|name| !BOOKING.contains(name));
            let booking: Vec<&str> =
                BOOKING.into_iter().filter(|name| *name != "booking_request_id").collect();
            vec![table("bookings", &[&booking, &columns, &["deleted_at"]])]
        }
    };
    let shared = [
        table("properties", &[&PROPERTY, &["name_key"]]),
        table("customers", &[&CUSTOMER, &CUSTOMER_KEYS]),
        table("inventory_ranges", &[&BLOCK, &["kind", "source_id", "created_at"]]),
        table("booking_events", &[&EVENT, &NIGHTS, &["tick", "number", "position"]]),
        table("feed_heads", &[&["head", "forgotten"]]),
        table("booking_settings", &[&SETTINGS]),
        table("idempotency_keys", &[&["key", "request_hash", "answer", "created_at"]]),
        table("inconsistencies", &[&["kind_number", "row_id", "found_at"]]),
        table("inconsistency_suspects", &[&["id", "written_row"]]),
        table(
            "inconsistency_checks",
            &[&["phase", "after_kind", "after_id", "begun_at", "finished_at", "again"]],
        ),
    ];
    own.into_iter().chain(shared).collect()
}

fn table(name: &'static str, parts: &[&[&'static str]]) -> Table {
    let columns = ["tenant_id"].into_iter().chain(parts.iter().flat_map(|part| part.iter().copied()));
    Table { name, columns: columns.collect() }
}

/// The column of the single table that a column of booking requests is read from;
/// `None` for what that layout does not have.
pub fn single_table(request_column: &'static str) -> Option<&'static str> {
    match request_column {
        "internal_note" => Some("internal_notes"),
        "decided_by" => Some("approved_by"),
        "held_booking_id" | "hold_expires_at" => None,
        same => Some(same),
    }
}

/// The type that the migrations give a column.
pub fn migrated_type(column: &str) -> Option<&'static str> {
    Some(match column {
        "id"
        | "tenant_id"
        | "property_id"
        | "guest_id"
        | "booking_request_id"
        | "booking_id"
        | "approved_booking_id"
        | "held_booking_id"
        | "source_id"
        | "decided_by"
        | "approved_by"
        | "actor"
        | "actor_id"
        | "decider_id"
        | "on_behalf_of"
        | "customer_id"
        | "block_id"
        | "row_id"
        | "after_id"
        | "merged_into" => "uuid",
        "check_in" | "check_out" | "start_date" | "end_date" | "asked_check_in" | "asked_check_out"
        | "given_check_in" | "given_check_out" | "booked_check_out" => "date",
        "hold_expires_at" | "confirmed_at" | "created_at" | "updated_at" | "deleted_at" | "archived_at"
        | "at" | "found_at" | "begun_at" | "finished_at" => "timestamp with time zone",
        "guest_count" | "max_guests" | "hold_hours" | "kind_number" | "phase" | "after_kind"
        | "min_nights" | "max_nights" | "lead_days" | "horizon_days" | "turnover_days" => "integer",
        "min_nights_by_arrival" | "max_nights_by_arrival" | "closed_to_arrival" | "closed_to_departure" => {
            "integer[]"
        }
        "overridden_rules" => "text[]",
        "row_version" | "position" | "tick" | "number" | "head" | "forgotten" => "bigint",
        "auto_decline" | "archived" | "again" => "boolean",
        "request_hash" | "answer" => "bytea",
        "status"
        | "message"
        | "internal_note"
        | "internal_notes"
        | "decline_reason"
        | "name"
        | "name_key"
        | "time_zone"
        | "hold_policy"
        | "email"
        | "phone"
        | "note"
        | "state"
        | "kind"
        | "action"
        | "evidence"
        | "key"
        | "actor_kind"
        | "decider_kind"
        | "decline_reason_code"
        | "decline_message"
        | "written_row"
        | "source"
        | "external_id"
        | "notes"
        | "last_name_key"
        | "email_key"
        | "phone_key" => "text",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_layout_needs_each_column_once() {
        for layout in Layout::ALL {
            for Table { name, mut columns } in tables(layout) {
                let needed = columns.len();
                columns.sort_unstable();
                columns.dedup();
                assert_eq!(columns.len(), needed, "{name}: {columns:?}");
            }
        }
        let [bookings, ..] = &tables(Layout::SingleTable)[..] else { panic!("no table") };
        assert_eq!(bookings.columns.len(), 25, "{bookings:?}");
    }

    #[test]
    fn each_column_has_a_type() {
        for layout in Layout::ALL {
            for Table { name, columns } in tables(layout) {
                for column in columns {
                    assert!(migrated_type(column).is_some(), "say the type of {name}.{column}");
                }
            }
        }
    }
}
