//! R2: the rooms of a service, and which may see which. A service is
//! `rpc -> changes -> {domain, store}` with `background` beside `rpc`.

use std::collections::BTreeSet;

use crate::crates;
use crate::known::assert_only_in;
use crate::source::{Sources, names};

pub const SERVICES: [&str; 2] = ["identity", "booking"];

/// Rooms with the only other rooms that may see them; `lib` wires them all.
const SEEN_BY: [(&str, &[&str]); 4] = [
    ("rpc", &["lib"]),
    ("background", &["lib"]),
    ("changes", &["lib", "rpc", "background", "operator"]),
    (
        "store",
        &[
            "lib",
            "rpc",
            "background",
            "operator",
            "changes",
            "feed",
            "webhooks",
            "mail",
            "trust",
            "checks",
            "error",
        ],
    ),
];

/// What a domain may use beside itself.
const FOR_DOMAINS: [&str; 4] = ["std", "jiff", "uuid", "thiserror"];
/// Files of domains that use one more crate, which is pure as well.
const PURE_TOO: [(&str, &str); 1] = [("identity/domain/email.rs", "unicode_normalization")];
const PRIMITIVES: [&str; 8] = ["char", "i32", "i64", "str", "u8", "u32", "u64", "usize"];

/// Where messages of the wire may be named.
const KNOWS_THE_WIRE: [&str; 3] = ["rpc", "error", "lib"];

const OFFENDING: [&str; 0] = [];
const NAMING_THE_WIRE: [&str; 0] = [];
const DOMAINS_OFFENDING: [&str; 0] = [];

/// The folder of a file, or the file if it is in none: `rpc/requests.rs` and
/// `rpc.rs` are of the room `rpc`.
fn room(path: &str) -> &str {
    path.split('/').next().unwrap().trim_end_matches(".rs")
}

fn sources(service: &str) -> Sources {
    Sources::of(&crates::root().join("services").join(service).join("src"), "lib.rs")
}

#[test]
fn rooms_of_a_service_see_only_those_to_their_right() {
    let mut found = BTreeSet::new();
    for service in SERVICES {
        for arrow in sources(service).arrows() {
            let (from, to) = (room(&arrow.from), room(&arrow.to));
            let seen_by = SEEN_BY.iter().find(|(room, _)| *room == to).map(|(_, by)| *by);
            let forbidden = from == "domain" || seen_by.is_some_and(|by| !by.contains(&from));
            if from != to && forbidden {
                found.insert(format!("{service}: {} sees {} by {}", arrow.from, arrow.to, arrow.by));
            }
        }
    }
    assert_only_in(&OFFENDING, &found);
}

#[test]
fn a_domain_uses_no_crate_but_those_of_the_list() {
    let (mut found, mut read) = (BTreeSet::new(), 0);
    for service in SERVICES {
        let sources = sources(service);
        for (index, file) in sources.files.iter().enumerate().filter(|(_, file)| room(&file.path) == "domain")
        {
            read += 1;
            for name in sources.foreign(index) {
                let path = format!("{service}/{}", file.path);
                let allowed = FOR_DOMAINS.contains(&&*name) || PRIMITIVES.contains(&&*name);
                if !allowed && !PURE_TOO.contains(&(&path, &name)) {
                    found.insert(format!("{service}: {} uses {name}", file.path));
                }
            }
        }
    }
    assert!(read >= 12, "only {read} files were read");
    assert_only_in(&DOMAINS_OFFENDING, &found);
}

#[test]
fn messages_of_the_wire_are_named_where_calls_come_in_and_where_errors_leave() {
    let mut found = BTreeSet::new();
    for service in SERVICES {
        for file in &sources(service).files {
            let knows = KNOWS_THE_WIRE.contains(&room(&file.path));
            if !knows && names(&file.code(), &["frontdesk_proto"]) {
                found.insert(format!("{service}: {}", file.path));
            }
        }
    }
    assert_only_in(&NAMING_THE_WIRE, &found);
}

#[test]
fn of_the_wire_other_rooms_see_reasons_and_refusals() {
    for service in SERVICES {
        let error = crates::text(&format!("services/{service}/src/error.rs"));
        let handed_on: Vec<&str> = error.lines().filter(|line| line.starts_with("pub use")).collect();
        assert_eq!(handed_on, ["pub use frontdesk_proto::{ErrorReason as Reason, Refusal};"], "{service}");
    }
}
