//! Crates that a rule does not hold for yet. Each rule lists its own, and the
//! lists only shrink.

use std::collections::BTreeSet;

/// Offences as `crate: what`. Fails with those of crates that are not listed, and
/// with crates that are listed and offend no more.
#[track_caller]
pub fn assert_only_in(offending: &[&str], found: &BTreeSet<String>) {
    let crate_of = |offence: &str| offence.split(':').next().unwrap().to_owned();
    let new: Vec<&String> = found.iter().filter(|one| !offending.contains(&&*crate_of(one))).collect();
    assert!(new.is_empty(), "{new:#?}");
    let still: BTreeSet<String> = found.iter().map(|one| crate_of(one)).collect();
    let gone: Vec<&&str> = offending.iter().filter(|name| !still.contains(**name)).collect();
    assert!(gone.is_empty(), "does not offend any more, delete it from the list: {gone:?}");
}
