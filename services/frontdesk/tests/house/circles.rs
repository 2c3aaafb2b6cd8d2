//! R3: no circle of files in any crate. What an arrow is, `source.rs` says.

use std::collections::{BTreeMap, BTreeSet};

use crate::crates::{self, Crate};
use crate::known::assert_only_in;
use crate::source::{Arrow, Sources};

const OFFENDING: [&str; 0] = [];

/// The files from which one comes back to each, without those that are in no circle.
fn circles(arrows: &BTreeSet<Arrow>) -> Vec<BTreeSet<&str>> {
    let mut next: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for arrow in arrows {
        next.entry(&arrow.from).or_default().insert(&arrow.to);
    }
    let reached = |from: &str| {
        let mut seen = BTreeSet::new();
        let mut left: Vec<&str> = next.get(from).into_iter().flatten().copied().collect();
        while let Some(file) = left.pop() {
            if seen.insert(file) {
                left.extend(next.get(file).into_iter().flatten());
            }
        }
        seen
    };
    let reach: BTreeMap<&str, BTreeSet<&str>> = next.keys().map(|file| (*file, reached(file))).collect();
    let mut found: Vec<BTreeSet<&str>> = Vec::new();
    for (file, behind) in &reach {
        if behind.contains(file) && !found.iter().any(|circle| circle.contains(file)) {
            let back = |other: &&str| reach.get(other).is_some_and(|reach| reach.contains(file));
            found.push(behind.iter().filter(|other| back(other)).copied().collect());
        }
    }
    found
}

#[test]
fn no_crate_has_a_circle_of_files() {
    let (mut read, mut found) = (0, BTreeSet::new());
    for Crate { name, folder, .. } in crates::all() {
        for root in ["lib.rs", "main.rs"].into_iter().filter(|root| folder.join("src").join(root).exists()) {
            let sources = Sources::of(&folder.join("src"), root);
            read += sources.files.len();
            let arrows = sources.arrows();
            for circle in circles(&arrows) {
                let inside =
                    arrows.iter().filter(|one| circle.contains(&*one.from) && circle.contains(&*one.to));
                let inside = inside.map(|Arrow { from, to, by }| format!("\n  {from} -> {to} by {by}"));
                let files: Vec<&str> = circle.iter().copied().collect();
                found.insert(format!("{name}: {}{}", files.join(" "), inside.collect::<String>()));
            }
        }
    }
    assert_only_in(&OFFENDING, &found);
    assert!(read > 100, "only {read} files were read");
}

#[test]
fn circles_are_found_whole_and_apart_from_what_leads_to_them() {
    let arrow = |(from, to): (&str, &str)| Arrow { from: from.into(), to: to.into(), by: String::new() };
    let arrows =
        [("a", "b"), ("b", "c"), ("c", "b"), ("c", "d"), ("e", "f"), ("f", "g"), ("g", "e")].map(arrow);
    let arrows = arrows.into_iter().collect();
    assert_eq!(circles(&arrows), [BTreeSet::from(["b", "c"]), BTreeSet::from(["e", "f", "g"])]);
}
