//! Which paths somebody may have meant who asked for one that is none.
//!
//! Whoever asks may be anybody, so a look costs little whatever is asked for: a path that is
//! longer than any of ours is not looked at, each of its segments is compared once with each
//! word that paths have, and only with those of about its length. Of sixty paths that is
//! 2 to 4 µs, and 25 µs for one that was made to cost most.

use std::collections::BTreeMap;

use http::Method;

use crate::prefix::Prefixes;
use crate::template::{Segment, Template};

/// Most bytes and segments of a path that is looked at.
const MAX_PATH: usize = 200;
const MAX_SEGMENTS: usize = 10;
/// Most letters that a word may differ in, if it is long.
const MAX_EDITS: usize = 3;
/// What it costs that a segment is missing, is too much, or is a part of a word alone.
const SEGMENT: usize = 3;
/// What a path may cost that is named.
const MOST: usize = 4;
/// How many paths are named.
const NAMED: usize = 3;
/// More than anything costs.
const NEVER: usize = 1000;

/// The paths that there are.
#[derive(Debug, Default)]
pub struct Near {
    /// Each literal segment of a path, once.
    words: Vec<String>,
    paths: Vec<Path>,
}

#[derive(Debug)]
struct Path {
    shown: String,
    methods: Vec<Method>,
    steps: Vec<Step>,
}

#[derive(Debug, Clone, Copy)]
enum Step {
    /// A word, by its place.
    Word(usize),
    Any,
}

impl Near {
    /// Adds a path, or a method to one that is there. One that takes any number of segments
    /// is never near.
    pub fn add(&mut self, method: &Method, shown: &str, template: &Template) {
        if let Some(path) = self.paths.iter_mut().find(|path| path.shown == shown) {
            path.methods.push(method.clone());
            return;
        }
        let steps = template.segments.iter().map(|segment| match segment {
            Segment::Literal(text) => Some(Step::Word(self.word(text))),
            Segment::Any => Some(Step::Any),
            Segment::Rest => None,
        });
        let Some(steps) = steps.collect::<Option<Vec<_>>>().filter(|_| template.verb.is_none()) else {
            return;
        };
        self.paths.push(Path { shown: shown.to_owned(), methods: vec![method.clone()], steps });
    }

    fn word(&mut self, text: &str) -> usize {
        let at = self.words.iter().position(|word| word == text);
        at.unwrap_or_else(|| {
            self.words.push(text.to_owned());
            self.words.len() - 1
        })
    }

    /// Those that are nearest to a path that is none, each with its methods, and with the
    /// prefix that was asked for.
    pub fn to_path(&self, path: &str, prefixes: &Prefixes) -> Vec<(&[Method], String)> {
        let (instead, rest) = prefixes.split(path);
        let segments = instead.iter().map(String::as_str).chain(rest.split('/').skip(1));
        // One more than is looked at says as much as all.
        let segments: Vec<&str> = segments.take(MAX_SEGMENTS + 1).collect();
        let near = self.to(&segments).into_iter();
        near.map(|(methods, near)| (methods, prefixes.written_like(path, near))).collect()
    }

    /// Those that are nearest to the segments of a path.
    fn to(&self, segments: &[&str]) -> Vec<(&[Method], &str)> {
        let bytes: usize = segments.iter().map(|segment| segment.len() + 1).sum();
        // A slash at the end, or two in a row, change nothing that somebody may have meant.
        let segments: Vec<&str> = segments.iter().copied().filter(|one| !one.is_empty()).collect();
        if bytes > MAX_PATH || segments.len() > MAX_SEGMENTS || segments.is_empty() {
            return Vec::new();
        }
        let costs: Vec<Vec<usize>> = segments
            .iter()
            .map(|segment| {
                let segment = segment.to_ascii_lowercase();
                self.words.iter().map(|word| of_word(segment.as_bytes(), word.as_bytes())).collect()
            })
            .collect();
        let mut near: BTreeMap<usize, Vec<&Path>> = BTreeMap::new();
        for path in &self.paths {
            let cost = path.cost(&costs);
            if cost <= MOST {
                near.entry(cost).or_default().push(path);
            }
        }
        let nearest = near.into_values().next().unwrap_or_default();
        nearest.iter().take(NAMED).map(|path| (&*path.methods, &*path.shown)).collect()
    }
}

impl Path {
    /// What it costs to make this path of one whose segments cost so much for each word. A
    /// word beside the first one has to be meant: all paths begin alike.
    fn cost(&self, segments: &[Vec<usize>]) -> usize {
        if segments.len().abs_diff(self.steps.len()) * SEGMENT > MOST {
            return NEVER;
        }
        let meant = |step: &Step| matches!(step, Step::Word(word) if segments.iter().any(|costs| costs[*word] <= MAX_EDITS));
        let telling = if self.steps.len() > 1 { &self.steps[1..] } else { &self.steps[..] };
        if !telling.iter().any(meant) {
            return NEVER;
        }
        let mut before: Vec<usize> = (0..=self.steps.len()).map(|at| at * SEGMENT).collect();
        for (at, costs) in segments.iter().enumerate() {
            let mut row = Vec::with_capacity(before.len());
            row.push((at + 1) * SEGMENT);
            for (step, of) in self.steps.iter().enumerate() {
                let this = match of {
                    Step::Word(word) => costs[*word],
                    Step::Any => 0,
                };
                let changed = before[step].saturating_add(this);
                row.push(changed.min(before[step + 1] + SEGMENT).min(row[step] + SEGMENT));
            }
            before = row;
        }
        before[self.steps.len()]
    }
}

/// What it costs to take a segment for a word: the letters to be changed, if these are few
/// for its length. `requests` may stand for `booking-requests`.
fn of_word(segment: &[u8], word: &[u8]) -> usize {
    if segment == word {
        return 0;
    }
    let most = match word.len() {
        0..=5 => 1,
        6..=9 => 2,
        _ => MAX_EDITS,
    };
    if segment.len().abs_diff(word.len()) <= most {
        let edits = edits(segment, word);
        if edits <= most {
            return edits;
        }
    }
    if segment.len() > 3 && word.split(|byte| *byte == b'-').any(|part| part == segment) {
        return SEGMENT;
    }
    NEVER
}

/// How many letters differ (Levenshtein).
fn edits(one: &[u8], other: &[u8]) -> usize {
    let mut before: Vec<usize> = (0..=other.len()).collect();
    for (at, letter) in one.iter().enumerate() {
        let mut diagonal = before[0];
        before[0] = at + 1;
        for (column, of) in other.iter().enumerate() {
            let changed = diagonal + usize::from(letter != of);
            diagonal = before[column + 1];
            before[column + 1] = changed.min(diagonal + 1).min(before[column] + 1);
        }
    }
    before[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_counted_that_are_missing_too_many_or_others() {
        for (one, other, expected) in [
            ("aprove", "approve", 1),
            ("a", "", 1),
            ("", "abc", 3),
            ("booking_requests", "booking-requests", 1),
        ] {
            assert_eq!(edits(one.as_bytes(), other.as_bytes()), expected, "{one} {other}");
        }
    }

    #[test]
    fn what_somebody_may_have_meant_is_named_and_nothing_else() {
        let mut near = Near::default();
        for (method, path) in [
            (Method::GET, "/v1/booking-requests"),
            (Method::POST, "/v1/booking-requests"),
            (Method::GET, "/v1/booking-requests/{id}"),
            (Method::POST, "/v1/booking-requests/{id}/approve"),
            (Method::GET, "/v1/bookings/{id}"),
            (Method::GET, "/v1/me"),
            (Method::GET, "/docs"),
        ] {
            near.add(&method, path, &Template::parse(path).unwrap());
        }
        let to = |path: &str| {
            let segments: Vec<&str> = path.split('/').skip(1).collect();
            near.to(&segments).iter().map(|(_, path)| (*path).to_owned()).collect::<Vec<_>>()
        };
        let all = "/v1/booking-requests";
        for path in [
            "/v1/booking-request",
            "/v1/booking_requests",
            "/V1/Booking-Requests",
            "/v2/booking-requests",
            "/booking-requests",
            "/v1/booking-requests/",
            "/rest/v1/booking-requests",
        ] {
            assert_eq!(to(path), [all], "{path}");
        }
        // A part of a word, or an id without what it is of.
        assert_eq!(to("/v1/requests"), [all, "/v1/booking-requests/{id}"]);
        assert_eq!(to("/v1/booking-requests/17/aprove"), ["/v1/booking-requests/{id}/approve"]);
        assert_eq!(to("/v1/booking-requests/17/approve/now"), ["/v1/booking-requests/{id}/approve"]);
        assert_eq!(to("/v1/bookings/"), ["/v1/bookings/{id}"]);
        assert_eq!(to("/doc"), ["/docs"]);
        let long = format!("/v1/{}", "x".repeat(MAX_PATH));
        for path in
            ["/", "/v1", "/v1/x", "/nothing", "/v1/invoices", "/wp-login.php", &long, &"/v1".repeat(60)]
        {
            assert_eq!(to(path), [""; 0], "{path}");
        }
        assert_eq!(near.to(&["v1", "booking-request"])[0].0, [Method::GET, Method::POST]);
    }
}
