//! R5: in a service the clock is read and ids are made where a call or a task
//! begins and where a change begins. Everything else is given them.

use std::collections::BTreeSet;

use crate::crates;
use crate::known::assert_only_in;
use crate::rooms::SERVICES;
use crate::source::{Sources, names, renames};

/// `Instant` is not among them: it measures, and decides nothing that is stored.
const MAKERS: [&[&str]; 7] = [
    &["Timestamp", "now"],
    &["Zoned", "now"],
    // By itself: one that was read before says what time it is as well, by `elapsed`.
    &["SystemTime"],
    &["time", "UNIX_EPOCH"],
    &["Uuid", "now_v7"],
    &["Uuid", "new_v4"],
    &["Uuid", "new_v7"],
];

const MAY: [&str; 3] = ["rpc/", "background/", "store/change.rs"];

const OFFENDING: [&str; 0] = [];

#[test]
fn the_clock_and_new_ids_come_from_where_a_call_or_a_change_begins() {
    let mut found = BTreeSet::new();
    for service in SERVICES {
        let source = crates::root().join("services").join(service).join("src");
        for file in &Sources::of(&source, "lib.rs").files {
            let code = file.code();
            let makes = MAKERS.iter().any(|maker| names(&code, maker))
                || ["Timestamp", "Zoned", "Uuid"].iter().any(|maker| renames(&code, maker));
            if makes && !MAY.iter().any(|place| file.path.starts_with(place)) {
                found.insert(format!("{service}: {}", file.path));
            }
        }
    }
    assert_only_in(&OFFENDING, &found);
}
