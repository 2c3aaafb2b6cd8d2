//! What ARCHITECTURE.md says of how many files a new reason is in. Recipes whose things
//! have no name that stands in each of their files are counted by hand. Texts of the
//! console are not counted: it shows a reason that has none as the server says it.

use frontdesk_proto::ErrorReason;

use crate::crates;
use crate::texts::{self, Text};

/// Files that a person edits and that name a reason, tests left out.
fn named_in(reason: ErrorReason, texts: &[Text]) -> usize {
    let (name, variant) = (reason.name(), format!("::{reason:?}"));
    let (option, page) = (format!("ERROR_REASON_{name}"), format!("deploy/runbook/{name}.md"));
    let ends = |rest: &str| !rest.starts_with(|next: char| next.is_ascii_alphanumeric() || next == '_');
    let says =
        |text: &str, word: &str| text.match_indices(word).any(|(at, _)| ends(&text[at + word.len()..]));
    let names = |text: &&Text| match text.place.rsplit('.').next() {
        Some("rs") => says(&text.text, &variant) || says(&text.text, &format!("\"{name}\"")),
        Some("proto") => says(&text.text, &option),
        _ => text.place == page,
    };
    texts.iter().filter(names).count()
}

/// What is written by hand, without code of tests.
fn written() -> Vec<Text> {
    let mut sources = texts::sources();
    sources.retain(|source| !source.place.contains("/tests") && !source.place.contains("/benches/"));
    for source in &mut sources {
        source.text.truncate(source.text.find("#[cfg(test)]").unwrap_or(source.text.len()));
    }
    sources.extend(texts::documents());
    sources
}

/// The number that stands between these words of the map.
fn said(before: &str, behind: &str) -> usize {
    let text = crates::text("ARCHITECTURE.md").replace('\n', " ");
    let (_, rest) = text.split_once(before).unwrap_or_else(|| panic!("`{before}` is not said"));
    let (number, _) = rest.split_once(behind).unwrap_or_else(|| panic!("`{behind}` is not said"));
    number.parse().unwrap()
}

/// Some reason is in as few files as the recipe says. A register that every reason had to
/// be in would make them all more.
#[test]
fn a_reason_is_in_as_many_files_as_its_recipe_says() {
    let texts = written();
    let (by_itself, declared): (Vec<_>, Vec<_>) = ErrorReason::all()
        .partition(|reason| reason.occasions().next().is_some() || reason.method().is_some());
    let fewest = |reasons: &[ErrorReason]| reasons.iter().map(|reason| named_in(*reason, &texts)).min();
    assert_eq!(fewest(&by_itself), Some(said("**A reason** (", ", and ")));
    assert_eq!(fewest(&declared), Some(said("**A reason** (3, and ", " where several methods")));
}

#[test]
fn a_name_that_begins_with_anothers_is_not_counted() {
    let text = |place: &str, text: &str| Text { place: place.into(), text: text.into() };
    let texts = [
        text("a.rs", "ErrorReason::TokenInvalid,"),
        text("b.rs", "ErrorReason::TokenInvalidated"),
        text("c.proto", "ERROR_REASON_TOKEN_INVALID_X"),
        text("d.proto", "[ERROR_REASON_TOKEN_INVALID]"),
        text("deploy/runbook/TOKEN_INVALID.md", ""),
        text("deploy/runbook/OTHER.md", "TOKEN_INVALID"),
    ];
    assert_eq!(named_in(ErrorReason::TokenInvalid, &texts), 3);
}
