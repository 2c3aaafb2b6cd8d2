//! R10: every setting that a message, a document or a script names is in the table
//! of settings. Reasons and other names of the contract look like variables; they
//! are known from the protos.

use std::collections::BTreeSet;

use frontdesk_proto::{ErrorReason, descriptors};

use crate::settings;
use crate::texts::{self, Text};

/// Variables that are not ours, or not read by the program.
const FOREIGN: [&str; 30] = [
    // Of the system, Cargo and Debian.
    "CARGO",
    "CARGO_HOME",
    "CARGO_INCREMENTAL",
    "CARGO_PKG_VERSION",
    "CARGO_PROFILE_DEV_DEBUG",
    "DEBIAN_FRONTEND",
    "HOME",
    "LC_ALL",
    "ON_ERROR_STOP",
    "OUT_DIR",
    "PATH",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTFLAGS",
    "PGPASSWORD",
    "PYTHON",
    "PWD",
    "SSL_CERT_FILE",
    // Of benches, tests, scripts and the guard of a private Postgres.
    "CLIENTS",
    "CLIPPY",
    "CONSOLE_SOURCES",
    "ENVOY",
    "PEER",
    "FRONTDESK",
    "BUILT_COMMIT",
    "SOURCE_COMMIT",
    "FRONTDESK_GENERATE",
    "REMOVE",
    // What a library for clients calls an error, and Python a kind of server.
    "OAUTH_WWW_AUTHENTICATE_CHALLENGE",
    "PROTOCOL_TLS_SERVER",
    // Set by those who read an example.
    "TOKEN",
];

/// Beginnings of the variables of the images of Grafana and Postgres, and of families of
/// addresses.
const FOREIGN_BEGINNINGS: [&str; 3] = ["AF_", "GF_", "POSTGRES_"];

/// Capitals that are not variables: what make passes on, any setting's file, a file of Postgres, an option of
/// sockets, an object of JavaScript, a
/// capability of Linux, whom a certificate names.
const WORDS: [&str; 7] =
    ["ARGUMENTS", "CN", "DAC_READ_SEARCH", "NAME_FILE", "PG_VERSION", "TCP_NODELAY", "JSON"];

/// Where the console calls its texts by reasons, and by words like them for what befalls it alone.
const CONSOLE_TEXTS: &str = "gateway/console/src/text/";

/// It is about names that are not settings.
const UNKNOWN: &str = "boot/settings/unknown.rs";

/// Every word of a text that is used as a variable: `$NAME`, `${NAME}`, `NAME=…`, and
/// whatever has capitals and an underscore. In braces or as a link in a comment it is a
/// constant.
fn variables(text: &str) -> BTreeSet<&str> {
    let of_name = |mark: char| mark.is_ascii_alphanumeric() || mark == '_' || mark == '-';
    let mut found = BTreeSet::new();
    let mut at = 0;
    for word in text.split_inclusive(|mark| !of_name(mark)) {
        let (before, name) = (&text[..at], word.trim_end_matches(|mark| !of_name(mark)));
        at += word.len();
        let capitals = name.starts_with(|first: char| first.is_ascii_uppercase())
            && name.chars().all(|mark| mark.is_ascii_uppercase() || mark.is_ascii_digit() || mark == '_');
        let expanded = before.ends_with('$') || before.ends_with("${");
        let constant = !expanded && (before.ends_with('{') || before.ends_with("[`"));
        let set = word.ends_with('=') && !text[at..].starts_with('=');
        let compound = name.contains('_') && !name.ends_with('_');
        if capitals && !constant && (expanded || set || compound) {
            found.insert(name);
        }
    }
    found
}

/// Names of the table, with the variables that name a file instead.
fn settings() -> BTreeSet<String> {
    let names = settings::table().into_iter().flat_map(|row| {
        ["name", "file_variable"].map(|field| row[field].as_str().unwrap_or_default().to_owned())
    });
    names.collect()
}

/// What `frontdesk env` prints: literals of `banner.rs`, and the cases of the demo.
fn printed() -> BTreeSet<String> {
    let of = |file: &str, prefix: &str| -> Vec<String> {
        let literals = texts::literals().into_iter().filter(|text| text.place == file);
        literals.map(|text| format!("{prefix}{}", text.text)).collect()
    };
    of("frontdesk/dev/banner.rs", "").into_iter().chain(of("frontdesk/dev/demo.rs", "DEMO_")).collect()
}

/// Whether a name is a reason, or a value of an enum of the contract with or without
/// the enum's name in front.
fn is_of_the_contract(name: &str) -> bool {
    let suffix = format!("_{name}");
    ErrorReason::from_name(name).is_some()
        || descriptors().all_enums().any(|of| {
            let mut values = of.values().map(|value| value.name().to_owned());
            values.any(|value| value == name || value.ends_with(&suffix))
        })
}

#[test]
fn every_setting_that_is_named_is_in_the_table() {
    let (settings, printed) = (settings(), printed());
    let (mut unknown, mut seen) = (Vec::new(), BTreeSet::new());
    let documents = texts::documents().into_iter().filter(|text| !text.place.starts_with("proto/"));
    let literals = texts::literals().into_iter();
    let literals = literals.filter(|text| text.place != UNKNOWN && !text.place.contains("/generated/"));
    for Text { place, text } in documents.chain(literals) {
        for name in variables(&text) {
            let is_printed = printed.contains(name)
                || place == "frontdesk/dev/demo.rs" && printed.contains(&format!("DEMO_{name}"));
            if settings.contains(name) {
                seen.insert(name.to_owned());
            } else if !(is_printed
                || FOREIGN.contains(&name)
                || FOREIGN_BEGINNINGS.iter().any(|beginning| name.starts_with(beginning))
                || WORDS.contains(&name)
                || place.starts_with(CONSOLE_TEXTS) && text.contains(&format!(" {name}: ["))
                || is_of_the_contract(name))
            {
                unknown.push(format!("{place}: {name}"));
            }
        }
    }
    assert!(unknown.is_empty(), "{unknown:#?}");
    assert!(seen.len() >= 30, "{seen:?}");
}

#[test]
fn variables_are_known_by_how_they_are_written() {
    let text = "export LOG=debug; curl $API_URL/${HOST:-x} -H X-TENANT-ID: or set BOOKING_ADRR. A GET of {MAX_KEY} or [`MAX_ID`], \
        a == B, README";
    assert_eq!(variables(text), ["API_URL", "BOOKING_ADRR", "HOST", "LOG"].into());
}
