//! What is built in is what `deny.toml` allows: its licences, its sources, and no crate
//! that it bans. The list is cargo's own; advisories need a network and are `cargo
//! deny`'s.

use std::collections::BTreeSet;
use std::process::Command;

use crate::crates;

/// A crate that is built in or that builds.
struct Built {
    name: String,
    licence: String,
    /// Where it is from, if not from the registry.
    elsewhere: Option<String>,
}

fn built() -> Vec<Built> {
    let arguments = "tree --workspace --locked --offline --edges normal,build --prefix none --format {p}|{l}";
    let output =
        Command::new(env!("CARGO")).args(arguments.split(' ')).current_dir(crates::root()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let tree = String::from_utf8(output.stdout).unwrap();
    let lines: BTreeSet<&str> = tree.lines().map(|line| line.trim_end_matches(" (*)")).collect();
    lines.into_iter().filter(|line| !line.is_empty()).map(read).collect()
}

/// A line as `name v1.2.3 (where from)|licence`.
fn read(line: &str) -> Built {
    let (package, licence) = line.split_once('|').unwrap();
    let package = package.replace(" (proc-macro)", "");
    let place = package.split_once(" (").map(|(_, place)| place.trim_end_matches(')').to_owned());
    let name = package.split(' ').next().unwrap().to_owned();
    Built { name, licence: licence.to_owned(), elsewhere: place.filter(|place| !place.starts_with('/')) }
}

/// The words of a list of `deny.toml`.
fn list(key: &str) -> BTreeSet<String> {
    let text = crates::text("deny.toml");
    let (_, rest) = text.split_once(&format!("\n{key} = [")).unwrap_or_else(|| panic!("{key} is missing"));
    let (list, _) = rest.split_once(']').unwrap();
    list.split('"').skip(1).step_by(2).map(str::to_owned).collect()
}

/// Crates that may have licences which others may not, with these.
fn exceptions() -> Vec<(String, BTreeSet<String>)> {
    let text = crates::text("deny.toml");
    let each = text.split("\n[[licenses.exceptions]]\n").skip(1);
    let read = |text: &str| {
        let value = |key: &str| text.lines().find_map(|line| line.strip_prefix(key)).unwrap().to_owned();
        let words = |line: &str| line.split('"').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
        (words(&value("crate = ")).remove(0), words(&value("allow = ")).into_iter().collect())
    };
    each.map(read).collect()
}

/// Whether an SPDX expression can be fulfilled with these licences. An old manifest
/// writes `/` for `OR`; `AND` binds more tightly.
fn allowed(expression: &str, licences: &BTreeSet<String>) -> bool {
    let text = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = text.split_whitespace().collect();
    let (verdict, rest) = any(&words, licences);
    verdict && rest.is_empty()
}

fn any<'a, 'b>(mut words: &'a [&'b str], licences: &BTreeSet<String>) -> (bool, &'a [&'b str]) {
    let mut verdict = false;
    loop {
        let (one, rest) = all(words, licences);
        verdict |= one;
        match rest {
            ["OR", rest @ ..] => words = rest,
            _ => return (verdict, rest),
        }
    }
}

fn all<'a, 'b>(mut words: &'a [&'b str], licences: &BTreeSet<String>) -> (bool, &'a [&'b str]) {
    let mut verdict = true;
    loop {
        let (one, rest) = match words {
            ["(", inner @ ..] => match any(inner, licences) {
                (one, [")", rest @ ..]) => (one, rest),
                _ => return (false, words),
            },
            // An exception is a licence of its own.
            [licence, "WITH", exception, rest @ ..] => {
                (licences.contains(&*format!("{licence} WITH {exception}")), rest)
            }
            [licence, rest @ ..] => (licences.contains(*licence), rest),
            [] => return (false, words),
        };
        verdict &= one;
        match rest {
            ["AND", rest @ ..] => words = rest,
            _ => return (verdict, rest),
        }
    }
}

#[test]
fn what_is_built_in_is_what_may_be() {
    let (licences, banned) = (list("allow"), list("deny"));
    let (built, exceptions) = (built(), exceptions());
    let mut faults = Vec::new();
    for (name, more) in &exceptions {
        let mut of_it = built.iter().filter(|one| one.name == *name);
        if !of_it.any(|one| !allowed(&one.licence, &licences) && allowed(&one.licence, more)) {
            faults.push(format!("{name} needs no exception"));
        }
    }
    for Built { name, licence, elsewhere } in &built {
        let is_excepted = exceptions.iter().any(|(of, more)| of == name && allowed(licence, more));
        if !allowed(licence, &licences) && !is_excepted {
            faults.push(format!("{name}: licence {licence:?}"));
        }
        if banned.contains(name) {
            faults.push(format!("{name} is banned"));
        }
        faults.extend(elsewhere.iter().map(|place| format!("{name} is from {place}")));
    }
    assert!(faults.is_empty(), "{faults:#?}");
    assert!(built.len() > 200, "only {} crates were seen", built.len());
}

#[test]
fn a_licence_that_nobody_allowed_is_found_in_any_expression() {
    let licences = ["MIT", "ISC"].map(str::to_owned).into();
    for good in ["MIT", "MIT OR GPL-3.0", "GPL-3.0/MIT", "ISC AND (GPL-3.0 OR MIT)", "(MIT) AND ISC"] {
        assert!(allowed(good, &licences), "{good}");
    }
    for bad in ["", "GPL-3.0", "MIT AND GPL-3.0", "(MIT OR ISC) AND GPL-3.0", "MIT ISC", "(MIT", "GPL-3.0 OR"]
    {
        assert!(!allowed(bad, &licences), "{bad}");
    }
}

#[test]
fn where_a_crate_is_from_is_read() {
    let of = |line: &str| read(line).elsewhere;
    assert_eq!(of("serde v1.0.0|MIT"), None);
    assert_eq!(of("serde_derive v1.0.0 (proc-macro)|MIT"), None);
    assert_eq!(of("pg v0.1.0 (/src/services/pg)|Apache-2.0"), None);
    assert_eq!(of("x v1.0.0 (https://example.com/x#1234)|MIT").unwrap(), "https://example.com/x#1234");
}
