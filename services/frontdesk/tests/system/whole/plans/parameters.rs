//! With which parameters statements are run here: those that calls give, and values that
//! have much to read.

use pg::{Parameter, Statement};
use uuid::Uuid;

use super::TENANTS;

/// Parameters one of which is given, and no more, where a statement has them.
const ORDERS: [&str; 3] = ["created_before", "created_after", "check_in_after"];

/// Parameters one of which is given at most: known statuses that are walked along, and
/// unknown ones.
const STATUSES: [&str; 2] = ["statuses", "unknown"];

/// Whether a statement is ever run with just these of its optional parameters.
pub fn is_run(statement: &Statement, given: &[&str]) -> bool {
    let has = |name: &str| statement.optional().any(|parameter| parameter.name == name);
    let has_value = |name: &str| given.contains(&name);
    let orders = ORDERS.iter().filter(|order| has_value(order)).count();
    let of_one = has_value("property") || has_value("guest");
    let (stays, created) = (
        has_value("stay_from") || has_value("stay_to"),
        has_value("created_from") || has_value("created_to"),
    );
    if STATUSES.iter().filter(|statuses| has_value(statuses)).count() > 1 {
        return false;
    }
    match &*statement.name() {
        // No index has both dates: the window of one is passed through in the order of the
        // other by statements of their own.
        "list_booking_requests" if has_value("check_in_after") => {
            orders == 1 && !created && !has_value("stay_from")
        }
        "list_booking_requests" => orders == 1 && !stays,
        "list_booking_requests_by_day" => orders == 1 && has_value("stay_from"),
        "list_booking_requests_each_day" => has_value("stay_from") && created,
        // One of the two is walked along, or all of the tenant.
        "list_booking_requests_of" => {
            orders == 1
                && !(has_value("property") && has_value("guest"))
                && (has_value("check_in_after") || !has_value("staying_from"))
        }
        "list_bookings_of" => !(has_value("property") && has_value("guest")),
        "count_booking_requests" => created || !stays,
        "count_booking_requests_of" => of_one,
        _ => !ORDERS.iter().any(|order| has(order)) || orders == 1,
    }
}

/// What the windows of a list match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Windows {
    Both,
    /// No stay, so that all that was created is looked through in vain.
    NoStay,
    /// Nothing that was created, and all stays.
    NoCreation,
}

impl Windows {
    /// Those with which a form is to be run.
    pub fn of(given: &[&str]) -> &'static [Self] {
        let has = |from: &str, to: &str| given.contains(&from) || given.contains(&to);
        if has("stay_from", "stay_to") && has("created_from", "created_to") {
            &[Self::Both, Self::NoStay, Self::NoCreation]
        } else {
            &[Self::Both]
        }
    }
}

/// An end of a window that matches nothing, or of the other one, which then matches all.
fn end_of_window(parameter: &str, windows: Windows) -> Option<String> {
    let end = match (windows, parameter) {
        (Windows::NoStay, "stay_from") => "date '2200-01-01'",
        (Windows::NoStay, "stay_to") => "date '1999-01-01'",
        (Windows::NoCreation, "stay_from") => "date '2000-01-01'",
        (Windows::NoCreation, "stay_to") => "date '2200-01-01'",
        (Windows::NoCreation, "created_from") => "timestamptz '2200-01-01'",
        (Windows::NoCreation, "created_to") => "timestamptz '1999-01-01'",
        _ => return None,
    };
    Some(end.to_owned())
}

/// An SQL expression for a parameter: an open request, a booking that
/// fulfils one, a property with thousands of nights sold and the time after them.
pub fn value(statement: &str, parameter: &Parameter, tenant: Uuid, windows: Windows) -> String {
    // The rows of the small tenant have kinds of their own.
    let beside = if tenant == TENANTS[0] { 0 } else { 32 };
    let key = |kind: u32, number: u32| format!("uuid '{:08x}-0000-7000-8000-{number:012x}'", kind + beside);
    let (property, guest, booking, request) = (key(2, 4095), key(3, 1996), key(4, 0), key(5, 19_960));
    let of_one =
        ["list_booking_requests_of", "list_bookings_of", "count_booking_requests_of"].contains(&statement);
    let of_booking = ["get_booking", "lock_booking", "step_booking", "cancel_booking"].contains(&statement);
    let given = end_of_window(parameter.name, windows).or_else(|| of_several(statement, parameter));
    if let Some(given) = given {
        return given;
    }
    match parameter.name {
        "tenant" => format!("uuid '{tenant}'"),
        "tenants" => format!("array[{}]", TENANTS.map(|tenant| format!("uuid '{tenant}'")).join(", ")),
        // Those that have more than a list looks at.
        "property" if of_one => key(2, 4094),
        "guest" if of_one => key(3, 1_048_575),
        "of_property" | "statuses" if of_one => "null".to_owned(),
        "id" if of_booking => booking,
        "id" if statement == "get_property" || statement == "update_property" => property,
        "id" if statement == "get_customer" => guest,
        "id" if statement == "insert_booking_request" => key(9, 1),
        "booking" if statement == "book" => key(9, 2),
        "id" | "request" => request,
        // One of the two is null: a booking's group is what is looked for.
        "booking" | "linked" => booking,
        "property" => property,
        "guest" => guest,
        "search" if statement == "search_phones" => "text '49'".to_owned(),
        "search" if statement == "search_last_names" => "text 'g'".to_owned(),
        "search" => "text 'guest'".to_owned(),
        "archived" => "false".to_owned(),
        "check_in" | "stay_from" | "staying_from" => "current_date + 30".to_owned(),
        "check_out" | "stay_to" => "current_date + 37".to_owned(),
        "most" if statement.starts_with("count_booking_requests") => "bigint '1000'".to_owned(),
        "most" | "limit" => "bigint '51'".to_owned(),
        "status" | "hold_status" => "text 'cancelled'".to_owned(),
        "hold_policy" => "text 'none'".to_owned(),
        "statuses" if statement.contains("request") => {
            "array['requested', 'under_review', 'confirmed', 'declined', 'cancelled', 'expired']".to_owned()
        }
        "statuses" => "array['requested', 'confirmed', 'checked_in', 'checked_out', 'no_show']".to_owned(),
        "created_before" => "timestamptz 'infinity'".to_owned(),
        "created_after" | "created_from" => "timestamptz '2000-01-01'".to_owned(),
        "created_to" => "timestamptz '2200-01-01'".to_owned(),
        "check_in_after" | "after_check_in" | "from_day" => "date '0001-01-01'".to_owned(),
        "beside_created_at" => "timestamptz '2000-01-01'".to_owned(),
        // Those of the window, and of the month before it.
        "days" if statement.starts_with("list_booking_requests") => {
            let days: Vec<String> = (0..37).map(|day| format!("current_date + {day}")).collect();
            format!("array[{}]", days.join(", "))
        }
        "looked" if of_one => "bigint '1000'".to_owned(),
        "looked" => "bigint '500'".to_owned(),
        "sources" => "array['pms']".to_owned(),
        "external_ids" => format!("array[{guest}::text, 'Zu\u{308}-1']"),
        _ => parameter.example.to_owned(),
    }
}

/// As many values as a few calls give that approve open requests together.
fn of_several(statement: &str, parameter: &Parameter) -> Option<String> {
    if !["lock_booking_requests", "book_requests"].contains(&statement) {
        return None;
    }
    let several = |one: fn(u32) -> String| {
        let values: Vec<String> = (0..8).map(one).collect();
        Some(format!("array[{}]", values.join(", ")))
    };
    match parameter.name {
        "ids" => several(|n| format!("uuid '00000005-0000-7000-8000-{:012x}'", 19_960 + 2 * n)),
        "bookings" | "ranges" | "events" | "actor_ids" | "actor_users" => {
            several(|n| format!("uuid '00000009-0000-7000-8000-{:012x}'", 16 + n))
        }
        "times" => several(|_| "now()".to_owned()),
        "actor_kinds" => several(|_| "'user'".to_owned()),
        "notes" => several(|_| "'x'".to_owned()),
        _ => None,
    }
}
