//! R10: every command that a message, a document or a script names exists, with
//! its options, and so does an option that is named alone. The program is asked for its
//! help; nothing is run.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use crate::texts::{self, Text};

/// This list only shrinks.
const KNOWN: [&str; 0] = [];

/// Options of other programs: of Postgres', of curl, of our scripts, of `make proof`.
const FOREIGN: [&str; 16] = [
    "--asynchronous",
    "--auth-host",
    "--auth-local",
    "--bindir",
    "--check",
    "--data-binary",
    "--enable-row-security",
    "--export",
    "--forge",
    "--locale",
    "--no-acl",
    "--no-sync",
    "--replay",
    "--seed",
    "--triples",
    "--user",
];

/// A command's subcommands and options.
#[derive(Debug, Default)]
pub struct Help {
    commands: BTreeSet<String>,
    options: BTreeSet<String>,
}

/// The help of every command, by its words; that of the program is at `[]`.
pub fn helps() -> BTreeMap<Vec<String>, Help> {
    let mut found = BTreeMap::new();
    let mut left = vec![Vec::new()];
    while let Some(words) = left.pop() {
        let help = help(&words);
        left.extend(help.commands.iter().map(|name| [words.clone(), vec![name.clone()]].concat()));
        found.insert(words, help);
    }
    found
}

fn help(words: &[String]) -> Help {
    let output = Command::new(env!("CARGO_BIN_EXE_frontdesk")).args(words).arg("--help").output().unwrap();
    assert!(output.status.success(), "{words:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let mut help = Help::default();
    let mut section = "";
    for line in text.lines() {
        if !line.is_empty() && !line.starts_with(' ') {
            section = line;
        }
        let words = line.split(|mark: char| !(mark.is_alphanumeric() || mark == '-'));
        help.options.extend(words.filter(|word| word.starts_with("--")).map(str::to_owned));
        let name = line.strip_prefix("  ").filter(|name| !name.starts_with(' '));
        if let ("Commands:", Some(name)) = (section, name.and_then(|name| name.split(' ').next())) {
            help.commands.insert(name.to_owned());
        }
    }
    help.commands.remove("help");
    help
}

/// What is wrong with a command line after the program's name. In prose anything
/// may follow a command that takes no other.
pub fn fault(line: &str, quoted: bool, helps: &BTreeMap<Vec<String>, Help>) -> Option<String> {
    let mut words: Vec<String> = Vec::new();
    let mut ended = false;
    for word in line.split_whitespace() {
        // `|`, `#`, `…`, `$(…)`, `<…>` and values end what can be checked.
        let word = word.trim_end_matches([',', '.', ';', ':', ')', '"', '\'', '\\']);
        let help = &helps[&words];
        if let Some(option) = word.strip_prefix("--").filter(|option| !option.is_empty()) {
            let option = format!("--{}", option.split('=').next().unwrap());
            if !help.options.contains(&option) {
                return Some(format!("{} has no {option}", words.join(" ")));
            }
        } else if word.chars().all(|mark| mark.is_ascii_lowercase() || mark == '-') && !ended {
            if help.commands.contains(word) {
                words.push(word.to_owned());
            } else if !help.commands.is_empty() && (quoted || !words.is_empty()) {
                return Some(format!("{} {word}", words.join(" ")));
            } else if !quoted {
                return None;
            } else {
                ended = true;
            }
        } else if !quoted || matches!(word, "|" | "#" | "&&" | "||" | "\\" | ">") {
            return None;
        } else {
            ended = true;
        }
    }
    None
}

#[test]
fn every_command_that_is_named_exists() {
    let helps = helps();
    let (mut faults, mut seen) = (Vec::new(), 0);
    for Text { place, text } in texts::all() {
        let mut rest = text.as_str();
        let mut before = String::new();
        while let Some(at) = rest.find("frontdesk ") {
            before.push_str(&rest[..at]);
            rest = &rest[at + "frontdesk ".len()..];
            let ticks = before.rsplit('\n').next().unwrap().matches('`').count();
            let quoted = ticks % 2 == 1;
            // `cargo -p frontdesk` names the crate.
            let program = !before.ends_with("-p ");
            let command = if program
                && (before.is_empty() || before.ends_with([' ', '`', '(', '/', '\n', '"', '\'']))
            {
                rest.split(['`', '\n']).next().unwrap()
            } else {
                ""
            };
            seen += usize::from(!command.is_empty());
            faults.extend(fault(command, quoted, &helps).map(|fault| format!("{place}: frontdesk {fault}")));
            before.push_str("frontdesk ");
        }
    }
    let new: Vec<&String> = faults.iter().filter(|fault| !KNOWN.contains(&fault.as_str())).collect();
    assert!(new.is_empty(), "{new:#?}");
    let gone: Vec<&&str> =
        KNOWN.iter().filter(|known| !faults.iter().any(|fault| fault == **known)).collect();
    assert!(gone.is_empty(), "not named any more, delete it from KNOWN: {gone:?}");
    assert!(seen > 40, "only {seen} commands were seen");
}

/// What a text has for make, between backticks or as a page has it.
fn targets(text: &str) -> impl Iterator<Item = &str> {
    let quoted = ["`make ", "<code>make "].into_iter().flat_map(|mark| text.split(mark).skip(1));
    quoted.filter_map(|rest| rest.split(['`', '<', ' ', '\n']).next())
}

#[test]
fn every_target_of_make_that_is_named_exists() {
    let makefile = crate::crates::text("Makefile");
    let known: BTreeSet<&str> = makefile
        .lines()
        .filter(|line| !line.starts_with(['\t', '#', '.']))
        .filter_map(|line| line.split_once(':').map(|(target, _)| target))
        .collect();
    let (mut unknown, mut seen) = (Vec::new(), BTreeSet::new());
    for Text { place, text } in texts::all() {
        for target in targets(&text) {
            seen.insert(target.to_owned());
            if !known.contains(target) {
                unknown.push(format!("{place}: make {target}"));
            }
        }
    }
    assert!(unknown.is_empty(), "{unknown:#?}");
    assert!(seen.contains("console") && seen.len() >= 4, "{seen:?}");
    assert_eq!(targets("`make up` and <code>make console</code>").collect::<Vec<_>>(), ["up", "console"]);
}

#[test]
fn a_command_that_does_not_exist_is_found_in_quotes_and_in_prose() {
    let helps = helps();
    let check = |line: &str, quoted: bool| fault(line, quoted, &helps);
    for good in [
        "migrate up",
        "keys rotate --now",
        "dev --reset",
        "user create me@example.com --platform-scope x",
        "env",
    ] {
        assert_eq!(check(good, true), None, "{good}");
    }
    for bad in ["keys rotate --at-once", "migrate sideways", "doctr", "migrate up --never"] {
        assert!(check(bad, true).is_some(), "{bad}");
    }
    assert_eq!(check("dev goes on", false), None);
    assert_eq!(check("seals keys", false), None);
    assert!(check("keys turn them", false).is_some());
    assert!(check("keys rotate --at-once", false).is_some());
}

/// The options that a text names: behind a backtick, and in a message anywhere.
fn options(text: &str, is_message: bool) -> impl Iterator<Item = &str> {
    text.match_indices("--").filter_map(move |(at, _)| {
        let begins = match text[..at].chars().next_back() {
            Some('`') => true,
            Some(' ' | '(' | '\n') | None => is_message,
            Some(_) => false,
        };
        let of_option = |mark: char| mark.is_ascii_alphanumeric() || mark == '-';
        let option = text[at..].split(|mark| !of_option(mark)).next()?;
        let is_one = option[2..].starts_with(|mark: char| mark.is_ascii_lowercase());
        (begins && is_one).then_some(option)
    })
}

#[test]
fn every_option_that_is_named_exists() {
    let helps = helps();
    let known: BTreeSet<&str> =
        helps.values().flat_map(|help| help.options.iter().map(String::as_str)).chain(FOREIGN).collect();
    let (mut unknown, mut seen) = (BTreeSet::new(), BTreeSet::new());
    for (texts, are_messages) in [(texts::documents(), false), (texts::literals(), true)] {
        for Text { place, text } in &texts {
            for option in options(text, are_messages) {
                if known.contains(option) {
                    seen.insert(option.to_owned());
                } else {
                    unknown.insert(format!("{place}: {option}"));
                }
            }
        }
    }
    assert!(unknown.is_empty(), "{unknown:#?}");
    assert!(seen.len() >= 8, "{seen:?}");
}

#[test]
fn options_are_known_by_how_they_are_written() {
    let text = "use `--json` or --apply (--now); 1--x, -- and `a --b`";
    assert_eq!(options(text, true).collect::<Vec<_>>(), ["--json", "--apply", "--now", "--b"]);
    assert_eq!(options(text, false).collect::<Vec<_>>(), ["--json"]);
}
