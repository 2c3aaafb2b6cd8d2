//! The runbook has a page for each error reason, and what a page names is there. That
//! its commands exist is told by `commands.rs` and `variables.rs`, which read all
//! documents; that they run, by the system test of the same name.

use std::collections::{BTreeMap, BTreeSet};

use frontdesk_proto::ErrorReason;

use crate::crates::root;
use crate::texts::{self, Text};

const PARTS: [&str; 5] = ["Symptom", "Root cause", "Verify", "Fix", "Prevention"];
/// What may stand behind the three ticks of a block: who runs it says the system test.
const BLOCKS: [&str; 6] = ["", "text", "sh", "sh shows", "sh changes", "sh changes shows"];
const INDEX: &str = "README";
/// Most lines of a page about a reason: it is read in a hurry.
const LINES: usize = 80;

/// Every page, by its name.
fn pages() -> BTreeMap<String, String> {
    let documents = texts::documents().into_iter();
    let pages = documents.filter_map(|Text { place, text }| {
        let name = place.strip_prefix("deploy/runbook/")?.strip_suffix(".md")?;
        Some((name.to_owned(), text))
    });
    pages.collect()
}

/// The prose of a page, paragraph by paragraph, and the code in it: blocks and what is
/// in backticks.
fn taken_apart(text: &str) -> (Vec<String>, Vec<String>) {
    let (mut prose, mut code) = (String::new(), Vec::new());
    for (at, part) in text.split("```").enumerate() {
        if at % 2 == 1 {
            code.push(part.split_once('\n').unwrap_or_default().1.to_owned());
            prose.push_str("\n\n");
        } else {
            code.extend(part.split('`').skip(1).step_by(2).map(str::to_owned));
            prose.push_str(part);
        }
    }
    (prose.split("\n\n").map(|one| one.trim().to_owned()).filter(|one| !one.is_empty()).collect(), code)
}

#[test]
fn every_reason_has_a_page_and_every_page_a_reason_or_a_line_in_the_list() {
    let pages = pages();
    let reasons: BTreeSet<&str> = ErrorReason::all().map(ErrorReason::name).collect();
    let missing: Vec<&&str> = reasons.iter().filter(|reason| !pages.contains_key(**reason)).collect();
    assert!(missing.is_empty(), "without a page: {missing:?}");
    let index = &pages[INDEX];
    for name in pages.keys().filter(|name| *name != INDEX && !reasons.contains(name.as_str())) {
        assert!(index.contains(&format!("({name}.md)")), "{name} is neither a reason nor in the list");
    }
    assert!(reasons.len() > 80, "{}", reasons.len());
}

#[test]
fn every_page_has_the_five_parts_and_a_command_that_verifies() {
    let mut faults = Vec::new();
    for (name, text) in pages().iter().filter(|(name, _)| *name != INDEX) {
        let parts: Vec<(&str, &str)> =
            text.split("\n## ").skip(1).map(|part| part.split_once('\n').unwrap_or((part, ""))).collect();
        let headings: Vec<&str> = parts.iter().map(|(heading, _)| *heading).collect();
        if headings != PARTS {
            faults.push(format!("{name}: {headings:?}"));
            continue;
        }
        let reason = ErrorReason::from_name(name).is_some();
        if reason && !text.starts_with(&format!("# {name}\n\n## ")) {
            faults.push(format!("{name}: what a reason means is said by its proto, and put on top"));
        }
        if reason && text.lines().count() > LINES {
            faults.push(format!("{name} has more than {LINES} lines"));
        }
        faults.extend(
            parts.iter().filter(|(_, text)| text.trim().len() < 20).map(|part| format!("{name}: {part:?}")),
        );
        if !parts[2].1.contains("```sh") {
            faults.push(format!("{name}: no command verifies it"));
        }
        let ticks = text.lines().filter_map(|line| line.strip_prefix("```"));
        faults.extend(ticks.filter(|kind| !BLOCKS.contains(kind)).map(|kind| format!("{name}: {kind}")));
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn no_two_pages_say_the_same() {
    let mut said: BTreeMap<String, String> = BTreeMap::new();
    let mut faults = Vec::new();
    for (name, text) in pages() {
        let (prose, _) = taken_apart(&text);
        for paragraph in prose.into_iter().filter(|paragraph| paragraph.len() > 60) {
            if let Some(other) = said.insert(paragraph.clone(), name.clone()) {
                faults.push(format!("{name} and {other}: {paragraph}"));
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
    assert!(said.len() > 300, "only {} paragraphs were read", said.len());
}

#[test]
fn links_of_pages_lead_to_pages_and_no_word_is_taken_for_html() {
    let pages = pages();
    let (mut faults, mut seen) = (Vec::new(), 0);
    for (name, text) in &pages {
        let (prose, _) = taken_apart(text);
        for paragraph in prose {
            for link in paragraph.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
                seen += 1;
                if !link.strip_suffix(".md").is_some_and(|page| pages.contains_key(page)) {
                    faults.push(format!("{name}: {link}"));
                }
            }
            let words: Vec<&str> = paragraph.split('`').step_by(2).collect();
            if words.concat().contains('<') {
                faults.push(format!("{name}: {paragraph}"));
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
    assert!(seen > 20, "only {seen} links were seen");
}

/// Paths of the API in a text, without their queries.
fn paths(code: &str) -> Vec<&str> {
    let of_path = |mark: char| mark.is_ascii_alphanumeric() || "/-_.{}$".contains(mark);
    let words = code.split(|mark| !of_path(mark));
    let paths = words.filter_map(|word| word.find("/v1/").map(|at| &word[at..]));
    // `/v1/…` and `/auth/v1/` name a family; the second is no route of ours.
    paths.filter(|path| *path != "/v1/" && !code.contains(&format!("/auth{path}"))).collect()
}

fn fits(path: &str, template: &str) -> bool {
    let (path, template): (Vec<&str>, Vec<&str>) = (path.split('/').collect(), template.split('/').collect());
    path.len() == template.len()
        && path.iter().zip(&template).all(|(one, of)| of.starts_with('{') && !one.is_empty() || one == of)
}

#[test]
fn every_path_scope_and_figure_that_a_page_names_exists() {
    let document: serde_json::Value = serde_json::from_str(&gateway::openapi().unwrap()).unwrap();
    let routes: Vec<&String> = document["paths"].as_object().unwrap().keys().collect();
    let scopes: BTreeSet<&str> =
        identity::TENANT_SCOPES.into_iter().chain(identity::PLATFORM_SCOPES).collect();
    let kinds: BTreeSet<&str> = scopes.iter().filter_map(|scope| Some(scope.split_once(':')?.1)).collect();
    let figures: BTreeSet<String> = texts::literals().into_iter().map(|text| text.text).collect();
    let schema = std::fs::read_to_string(root().join("migrations/booking.schema")).unwrap();
    let is_table =
        |word: &str| word.starts_with("frontdesk_migrat") || schema.contains(&format!("public.{word}\n"));
    let (mut faults, mut seen) = (Vec::new(), 0);
    for (name, text) in pages() {
        let (_, code) = taken_apart(&text);
        for code in &code {
            for path in paths(code) {
                seen += 1;
                if !routes.iter().any(|route| fits(path, route)) {
                    faults.push(format!("{name}: {path}"));
                }
            }
            let words = code.split(|mark: char| !(mark.is_ascii_alphanumeric() || ":_".contains(mark)));
            for word in words {
                let scope = word.split_once(':').is_some_and(|(_, kind)| kinds.contains(kind));
                let figure = word.starts_with("frontdesk_") && !is_table(word);
                if scope && !scopes.contains(word)
                    || figure && !figures.iter().any(|known| known.starts_with(word))
                {
                    faults.push(format!("{name}: {word}"));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
    assert!(seen > 100, "only {seen} paths were seen");
}

#[test]
fn a_page_is_taken_apart() {
    let text = "One `code`.\n\n```sh\napi \"/v1/x/$id?y=1\"\n```\n\nTwo\nlines.";
    let (prose, code) = taken_apart(text);
    assert_eq!(prose, ["One `code`.", "Two\nlines."]);
    assert_eq!(code, ["code", "api \"/v1/x/$id?y=1\"\n"]);
    assert_eq!(paths(&code[1]), ["/v1/x/$id"]);
    assert!(paths("$API_BASE_URL/auth/v1/user").is_empty() && paths("`/v1/…`").is_empty());
    assert!(fits("/v1/x/$id", "/v1/x/{x_id}") && !fits("/v1/x", "/v1/x/{x_id}") && !fits("/v1/y", "/v1/x"));
}
