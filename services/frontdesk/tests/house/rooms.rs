//! R2: the rooms of each service and of the gateway, and which sees which, are those
//! that ARCHITECTURE.md lists, no more and no fewer, and there is no circle of rooms.
//! And where the wire and the layouts are known.

use std::collections::{BTreeMap, BTreeSet};

use crate::crates;
use crate::known::assert_only_in;
use crate::source::{Sources, names};

pub const SERVICES: [&str; 2] = ["identity", "booking"];

/// The crates with rooms, and their folders.
const PLANS: [(&str, &str); 3] =
    [("identity", "services/identity"), ("booking", "services/booking"), ("gateway", "gateway")];

/// Each room with those that it sees.
type Rooms = BTreeMap<String, BTreeSet<String>>;

/// What a domain may use beside itself.
const FOR_DOMAINS: [&str; 4] = ["std", "jiff", "uuid", "thiserror"];
/// Files of domains that use one more crate, which is pure as well.
const PURE_TOO: [(&str, &str); 3] = [
    ("identity/domain/email.rs", "unicode_normalization"),
    ("identity/domain/email.rs", "idna"),
    ("identity/domain/unseen.rs", "unicode_properties"),
];
const PRIMITIVES: [&str; 8] = ["char", "i32", "i64", "str", "u8", "u32", "u64", "usize"];

/// Where messages of the wire may be named, and what carries them.
const KNOWS_THE_WIRE: [&str; 3] = ["rpc", "error", "lib"];

/// Files of booking outside of the rooms that know the layouts, which name one all the
/// same. This list only shrinks: whoever needs to know asks `domain::layout`.
const NAMING_A_LAYOUT: [&str; 1] = ["rpc/diagnostics.rs"];
/// Their names: whoever tells them apart has one of them.
const LAYOUTS: [&str; 2] = ["SingleTable", "Standard"];
const KNOWS_LAYOUTS: [&str; 2] = ["layout/", "domain/layout.rs"];

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

/// The rooms of a crate. `lib` is none: it puts the parts together, and sees all.
fn found(folder: &str) -> Rooms {
    let sources = Sources::of(&crates::root().join(folder).join("src"), "lib.rs");
    let mut rooms = Rooms::new();
    for file in &sources.files {
        rooms.entry(room(&file.path).to_owned()).or_default();
    }
    for arrow in sources.arrows() {
        let (from, to) = (room(&arrow.from), room(&arrow.to));
        if from != to {
            rooms.entry(from.to_owned()).or_default().insert(to.to_owned());
        }
    }
    rooms.remove("lib");
    rooms
}

/// What a block ```` ```rooms NAME ```` says: a line for each room, `room -> what it sees`.
fn listed(document: &str, name: &str) -> Rooms {
    let opened = format!("```rooms {name}\n");
    let (_, block) = document.split_once(&opened).unwrap_or_else(|| panic!("no block {opened:?}"));
    let (block, _) = block.split_once("\n```").unwrap();
    let line = |line: &str| {
        let (room, sees) = line.split_once("->").unwrap_or_else(|| panic!("no arrow in {line:?}"));
        (room.trim().to_owned(), sees.split_whitespace().map(str::to_owned).collect())
    };
    block.lines().map(line).collect()
}

/// One line for each arrow, and one for a room without any.
fn lines(rooms: &Rooms) -> BTreeSet<String> {
    let arrows = |(room, sees): (&String, &BTreeSet<String>)| {
        let arrows: Vec<String> = sees.iter().map(|to| format!("{room} -> {to}")).collect();
        if arrows.is_empty() { vec![format!("{room} ->")] } else { arrows }
    };
    rooms.iter().flat_map(arrows).collect()
}

/// The rooms that see each other, or are seen by one that does.
fn in_circles(rooms: &Rooms) -> BTreeSet<&String> {
    let mut left: BTreeSet<&String> = rooms.keys().collect();
    loop {
        let free = |room: &&String| rooms[*room].iter().all(|to| !left.contains(to));
        let Some(room) = left.iter().copied().find(free) else { return left };
        left.remove(room);
    }
}

#[test]
fn rooms_see_exactly_those_that_the_map_says() {
    let document = crates::text("ARCHITECTURE.md");
    for (name, folder) in PLANS {
        let rooms = found(folder);
        let (found, listed) = (lines(&rooms), lines(&listed(&document, name)));
        let missing: Vec<&String> = found.difference(&listed).collect();
        let wrong: Vec<&String> = listed.difference(&found).collect();
        assert!(
            missing.is_empty() && wrong.is_empty(),
            "{name}: the sources say {missing:#?}, ARCHITECTURE.md says {wrong:#?}"
        );
        assert_eq!(in_circles(&rooms), BTreeSet::new(), "rooms of {name} are in a circle");
    }
}

#[test]
fn a_circle_of_rooms_and_an_unlisted_arrow_are_found() {
    let rooms = |text: &str| listed(&format!("```rooms x\n{text}\n```"), "x");
    let plan = rooms("rpc -> changes store\nchanges -> store\nstore ->");
    assert_eq!(in_circles(&plan), BTreeSet::new());
    let circle = rooms("rpc -> store\nstore -> trust\ntrust -> store\ndomain ->");
    assert_eq!(in_circles(&circle).into_iter().collect::<Vec<_>>(), ["rpc", "store", "trust"]);
    assert_eq!(lines(&circle).len(), 4);
}

#[test]
fn what_follows_from_a_layout_is_asked_of_it() {
    let files = sources("booking").files;
    let knows = |path: &str| KNOWS_LAYOUTS.iter().any(|place| path.starts_with(place));
    let naming = files.iter().filter(|file| !knows(&file.path));
    let naming = naming.filter(|file| LAYOUTS.iter().any(|layout| names(&file.code(), &[layout])));
    let naming: Vec<&str> = naming.map(|file| file.path.as_str()).collect();
    assert_eq!(naming, NAMING_A_LAYOUT);
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
            let code = file.code();
            if !knows && ["frontdesk_proto", "tonic"].iter().any(|wire| names(&code, &[wire])) {
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
