//! The list of booking's statements: each is declared beside the method that runs
//! it, and compiled here for a layout, with its gaps filled. A new file of the store
//! is added to [`DECLARED`]; a new statement needs no line here.

use std::sync::{Arc, Mutex, PoisonError};

use pg::{Declaration, StatementError, Statements as PgStatements};

use super::{
    approvals, booking_lists, bookings, customers, decisions, events, feed, inconsistencies, inventory,
    judged, keys, properties, request_counts, request_lists, requests, resolutions, settings, surroundings,
    tenants, ticks, unreadable,
};
use crate::domain::layout::Layout;
use crate::layout::{self, Blocking, Statuses, Words};

/// The statements of each file of the store.
const DECLARED: [&[&Declaration]; 21] = [
    approvals::STATEMENTS,
    booking_lists::STATEMENTS,
    bookings::STATEMENTS,
    customers::STATEMENTS,
    decisions::STATEMENTS,
    events::STATEMENTS,
    feed::STATEMENTS,
    inconsistencies::STATEMENTS,
    inventory::STATEMENTS,
    judged::STATEMENTS,
    keys::STATEMENTS,
    properties::STATEMENTS,
    request_counts::STATEMENTS,
    request_lists::STATEMENTS,
    requests::STATEMENTS,
    resolutions::STATEMENTS,
    settings::STATEMENTS,
    surroundings::STATEMENTS,
    tenants::STATEMENTS,
    ticks::STATEMENTS,
    unreadable::STATEMENTS,
];

/// Parts that several statements share.
const PARTS: [(&str, &str); 36] = [
    ("after_creation", include_str!("sql/parts/after_creation.sql")),
    ("after_place", include_str!("sql/parts/after_place.sql")),
    ("booking_settled", include_str!("sql/parts/booking_settled.sql")),
    ("booking_told", include_str!("sql/parts/booking_told.sql")),
    ("by_status", include_str!("sql/parts/by_status.sql")),
    ("competing", include_str!("sql/parts/competing.sql")),
    ("confirmed", include_str!("sql/parts/confirmed.sql")),
    ("covered_nights", include_str!("sql/parts/covered_nights.sql")),
    ("creation_order", include_str!("sql/parts/creation_order.sql")),
    ("customer_of", include_str!("sql/parts/customer_of.sql")),
    ("customer_stored", include_str!("sql/parts/customer_stored.sql")),
    ("decided", include_str!("sql/parts/decided.sql")),
    ("duplicate_merged", include_str!("sql/parts/duplicate_merged.sql")),
    ("free_ranges", include_str!("sql/parts/free_ranges.sql")),
    ("fulfilment_lost", include_str!("sql/parts/fulfilment_lost.sql")),
    ("guest", include_str!("sql/parts/guest.sql")),
    ("has_no_range", include_str!("sql/parts/has_no_range.sql")),
    ("hold_of_request", include_str!("sql/parts/hold_of_request.sql")),
    ("insert_event", include_str!("sql/parts/insert_event.sql")),
    ("insert_range", include_str!("sql/parts/insert_range.sql")),
    ("linked", include_str!("sql/parts/linked.sql")),
    ("long_bookings", include_str!("sql/parts/long_bookings.sql")),
    ("long_requests", include_str!("sql/parts/long_requests.sql")),
    ("of_statuses", include_str!("sql/parts/of_statuses.sql")),
    ("of_day", include_str!("sql/parts/of_day.sql")),
    ("owner_filters", include_str!("sql/parts/owner_filters.sql")),
    ("range_free", include_str!("sql/parts/range_free.sql")),
    ("request_group", include_str!("sql/parts/request_group.sql")),
    ("request_has_no_range", include_str!("sql/parts/request_has_no_range.sql")),
    ("request_order", include_str!("sql/parts/request_order.sql")),
    ("requests_of_page", include_str!("sql/parts/requests_of_page.sql")),
    ("row_booked", include_str!("sql/parts/row_booked.sql")),
    ("row_group", include_str!("sql/parts/row_group.sql")),
    ("row_told", include_str!("sql/parts/row_told.sql")),
    ("stay_filters", include_str!("sql/parts/stay_filters.sql")),
    ("tenants_here", include_str!("sql/parts/tenants_here.sql")),
];

/// The line of `parts/surroundings.sql` from which on it says what is read.
const WHAT_IS_READ: &str = "-- What is read of them; who locks leaves this out.";

/// What statements are compiled for, and what came of it.
type Compiled = ((Layout, Blocking, Statuses), Arc<PgStatements>);

/// How many of them are kept: a process has one database, whose tables change rarely.
const KEPT: usize = 8;

/// Every statement for a layout and its status columns, compiled once in a process.
pub fn compiled(
    layout: Layout,
    blocking: &Blocking,
    statuses: &Statuses,
) -> Result<Arc<PgStatements>, StatementError> {
    static KNOWN: Mutex<Vec<Compiled>> = Mutex::new(Vec::new());
    let known = || KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let wanted = (layout, blocking.clone(), statuses.clone());
    if let Some((_, statements)) = known().iter().find(|(of, _)| *of == wanted) {
        return Ok(Arc::clone(statements));
    }
    let statements = Arc::new(compile(layout, blocking, statuses)?);
    let mut known = known();
    known.truncate(KEPT - 1);
    known.insert(0, (wanted, Arc::clone(&statements)));
    Ok(statements)
}

fn compile(layout: Layout, blocking: &Blocking, statuses: &Statuses) -> Result<PgStatements, StatementError> {
    // The other layout's texts are looked at, not run.
    let words = Layout::ALL.map(|of| words(of, if of == layout { blocking } else { &Blocking::NotFreed }));
    let place = Layout::ALL.iter().position(|one| *one == layout).unwrap_or_default();
    let declared = DECLARED.into_iter().flatten().chain(layout::statements()).copied();
    PgStatements::of_layout(declared, place, Layout::ALL.len(), |place, text| {
        statuses.cast(&words[place].fill(text))
    })
}

fn words(layout: Layout, blocking: &Blocking) -> Words {
    let mut words = Words::new(layout, blocking);
    for (name, text) in PARTS {
        words.add(name, text.trim_end());
    }
    let surroundings = include_str!("sql/parts/surroundings.sql").trim_end();
    let (bookings, _) = surroundings.split_once(WHAT_IS_READ).unwrap_or((surroundings, ""));
    words.add("surroundings.locked", bookings.trim_end().replace("{share}", "for share"));
    let ids = shared(bookings).map(|name| format!("select id from {name}"));
    words.add("surroundings.locked_ids", ids.collect::<Vec<_>>().join("\nunion\n"));
    let as_they_are = surroundings.replace("    {share}\n", "");
    words.add("surroundings.of_each", of_each(&words.fill("{held_of_r}"), &words.fill(&as_they_are)));
    let earliest = words.fill("{earliest_range_of_b}").replace(":property", "b.property_id");
    words.add("earliest_range_of_booking", earliest);
    words.add("surroundings.as_they_are", as_they_are);
    for part in ["acting_user", "by", "decided", "insert_range"] {
        let of_one = words.fill(&format!("{{{part}}}"));
        words.add(&format!("each.{part}"), of_item(&of_one));
    }
    words
}

/// The named queries of a text whose rows are locked.
pub(super) fn shared(text: &str) -> impl Iterator<Item = &str> {
    let mut name = "";
    text.lines().filter_map(move |line| {
        if let Some(begun) = line.strip_suffix(" as (").filter(|begun| !begun.starts_with(' ')) {
            name = begun.trim_start_matches("with ");
        }
        (line.trim() == "{share}").then_some(name)
    })
}

/// What a statement for one call says of that call, for each call that has an `item`: the
/// same text, so that both write the same.
fn of_item(text: &str) -> String {
    let own = [":actor_kind", ":actor_id", ":actor_user", ":at", ":event", ":note", ":range"];
    own.into_iter().fold(text.to_owned(), |text, name| text.replace(name, &name.replace(':', "item.")))
}

/// The surroundings of each request `r` of an outer query, instead of one request that
/// is given by parameters: the same text, so that both see the same.
fn of_each(held: &str, surroundings: &str) -> String {
    let columns = [
        (":id", "r.id"),
        (":property", "r.property_id"),
        (":check_in", "r.check_in"),
        (":check_out", "r.check_out"),
        (":linked", "r.approved_booking_id"),
        (":held", held),
        (":guest", "r.guest_id"),
    ];
    columns.into_iter().fold(surroundings.to_owned(), |text, (name, column)| text.replace(name, column))
}
