//! What must hold of whatever came of an order.

use std::collections::BTreeSet;

use crate::call::Call;
use crate::people::both_let_in;
use crate::run::{Outcome, Ran};
use crate::stepper::Fault;

/// Answers that no order may end in.
const NEVER: [&str; 14] = [
    "nobody is called",
    "BARE",
    "INTERNAL",
    "CONTENTION",
    "LOCK_TIMEOUT",
    "STATEMENT_TIMEOUT",
    "DB_ERROR",
    "CHECK_VIOLATION",
    "FK_VIOLATION",
    "UNIQUE_VIOLATION",
    "OVERLOADED",
    "PANICKED",
    "STUCK",
    "UNREADABLE_ROW",
];
/// Those that none ends in whose calls are not broken off.
const NEVER_UNBROKEN: [&str; 2] = ["DB_UNAVAILABLE", "OUTCOME_UNKNOWN"];
/// Those of them that the clock of the product brings about, where the machine stands still.
const BY_TIME: [&str; 5] = ["CONTENTION", "LOCK_TIMEOUT", "STATEMENT_TIMEOUT", "OVERLOADED", "STUCK"];
/// Bookings that were sold and do not free their nights, as the lines name them.
const SOLD: [&str; 3] = ["confirmed", "checked_in", "checked_out"];
/// Requests that wait for a decision.
const OPEN: [&str; 2] = ["requested", "under_review"];

/// What calls may come to: what comes of an order of whole calls, or what is let pass beside that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowed {
    /// The order in which the calls come.
    pub order: Vec<usize>,
    pub outcome: Outcome,
    /// Calls of which neither may have been answered before the other one ran anything; of whole
    /// calls, none.
    pub beside: Vec<(usize, usize)>,
    /// Those of which the first has rows that the second passes over. One that is answered may have
    /// them until it has rolled back.
    pub passed_over: Vec<(usize, usize)>,
}

impl Allowed {
    /// What comes of whole calls in an order.
    pub fn one_by_one(order: Vec<usize>, outcome: Outcome) -> Self {
        Self { order, outcome, beside: Vec::new(), passed_over: Vec::new() }
    }

    /// Whether the times of the calls let an order come to it.
    fn fits(&self, earlier: &BTreeSet<(usize, usize)>, over: &BTreeSet<(usize, usize)>) -> bool {
        let place = |call: usize| self.order.iter().position(|one| *one == call);
        let at_once = |pairs: &[(usize, usize)], ended: &BTreeSet<(usize, usize)>| {
            pairs
                .iter()
                .all(|(one, other)| !ended.contains(&(*one, *other)) && !ended.contains(&(*other, *one)))
        };
        earlier.iter().all(|(one, other)| place(*one) < place(*other))
            && at_once(&self.beside, earlier)
            && at_once(&self.passed_over, over)
    }
}

/// What is wrong with what came of an order of statements. It is what comes of some order of whole
/// calls, in which a call that was answered before another one had run anything comes first.
pub fn faults(calls: &[Call], ran: &Ran, allowed: &[Allowed]) -> Vec<String> {
    let mut faults = ran.trouble.clone();
    faults.extend(ran.strayed.map(|turn| format!("nobody could take turn {turn} of the order")));
    let is_asked_for = |answer: &str| {
        let times_out = ran.points.iter().any(|point| point.fault == Some(Fault::TimedOut));
        times_out && answer.starts_with("STATEMENT_TIMEOUT")
    };
    for answer in ran.outcome.answers.iter().filter(|answer| !is_asked_for(answer)) {
        if is_never(ran, answer) {
            faults.push(format!("a call is answered {answer}"));
        }
    }
    faults.extend(covered_twice(&ran.outcome.lines));
    faults.extend(newly_not_covered(ran));
    let fits = |one: &Allowed| one.outcome == ran.outcome && one.fits(&ran.earlier, &ran.over);
    let Outcome { answers, lines } = &ran.outcome;
    let both = ran.earlier.is_empty() && both_let_in(calls, answers, lines);
    if !allowed.is_empty() && !allowed.iter().any(fits) && !both {
        faults.push("no order of whole calls comes to this".to_owned());
    }
    if let (Some(took), false) = (ran.stalled, faults.is_empty()) {
        faults.push(format!("the machine stalled: an order that takes a moment took {took:.1?}"));
    }
    faults
}

fn is_never(ran: &Ran, answer: &str) -> bool {
    let is_broken = ran.points.iter().any(|point| point.fault.is_some());
    let of_unbroken = NEVER_UNBROKEN.iter().filter(|_| !is_broken);
    NEVER.iter().chain(of_unbroken).any(|never| answer.starts_with(never))
}

/// What is wrong with what came of an order, however long it took.
pub fn faults_at_any_time(ran: &Ran) -> Vec<String> {
    let mut faults = ran.trouble.clone();
    for answer in
        ran.outcome.answers.iter().filter(|answer| !BY_TIME.iter().any(|one| answer.starts_with(one)))
    {
        if is_never(ran, answer) {
            faults.push(format!("a call is answered {answer}"));
        }
    }
    faults.extend(covered_twice(&ran.outcome.lines));
    faults.extend(newly_not_covered(ran));
    faults
}

/// Nights that are sold or blocked twice.
fn covered_twice(lines: &[String]) -> Vec<String> {
    let mut faults = Vec::new();
    let mut taken: Vec<(&str, i32, i32)> = Vec::new();
    let number = |text: &str| text.parse().unwrap_or(0);
    for line in lines {
        let parts: Vec<&str> = line.split('|').collect();
        let (name, from, to) = match parts[..] {
            ["booking", name, _, _, from, to, status]
                if ["confirmed", "checked_in", "requested"].contains(&status) =>
            {
                (name, number(from), number(to))
            }
            ["block", name, from, to, "true"] => (name, number(from), number(to)),
            _ => continue,
        };
        for (other, from_other, to_other) in &taken {
            if from < *to_other && to > *from_other {
                faults.push(format!("{name} and {other} have the same nights"));
            }
        }
        taken.push((name, from, to));
    }
    faults
}

/// The same as [`not_covered`], without what was so from the start: a row that then has the same
/// ranges, whatever its nights are by now.
fn newly_not_covered(ran: &Ran) -> Vec<String> {
    let known: BTreeSet<_> = ran.known.iter().map(|fault| row_and_ranges(fault)).collect();
    let faults = not_covered(&ran.outcome.lines).into_iter();
    faults.filter(|fault| !known.contains(&row_and_ranges(fault))).collect()
}

/// What a fault of [`not_covered`] says without the nights for which the row is sold.
fn row_and_ranges(fault: &str) -> (&str, &str) {
    let sold = fault.split_once(" is sold for ").and_then(|(row, rest)| {
        let (_, ranges) = rest.split_once(" and has the ranges ")?;
        Some((row, ranges))
    });
    sold.unwrap_or((fault, ""))
}

/// What is sold and does not have its nights by one range, ranges of what is neither sold nor the
/// hold of an open request nor such a request itself, and requests that are confirmed by somebody
/// else's booking.
pub fn not_covered(lines: &[String]) -> Vec<String> {
    let mut faults = Vec::new();
    let all: Vec<Vec<&str>> = lines.iter().map(|line| line.split('|').collect()).collect();
    let ranges = |name: &str| -> Vec<[&str; 2]> {
        let of_it = all.iter().filter(|parts| parts[..2] == ["range", name]);
        of_it.filter_map(|parts| Some([*parts.get(2)?, *parts.get(3)?])).collect()
    };
    let is_open = |name: &str| {
        all.iter().any(|parts| match parts[..] {
            ["request", request, _, _, _, status, ..] => request == name && OPEN.contains(&status),
            _ => false,
        })
    };
    let may_have_ranges = |name: &str| {
        let is_sold_or_hold = all.iter().any(|parts| match parts[..] {
            ["booking", booking, request, .., status] if booking == name => {
                SOLD.contains(&status) || status == "requested" && is_open(request)
            }
            _ => false,
        });
        is_sold_or_hold || is_open(name)
    };
    for parts in &all {
        match parts[..] {
            ["booking", name, _, _, from, to, status] if SOLD.contains(&status) => {
                let ranges = ranges(name);
                if ranges != [[from, to]] {
                    faults.push(format!("{name} is sold for {from} to {to} and has the ranges {ranges:?}"));
                }
            }
            ["range", name, ..] if !may_have_ranges(name) => {
                faults.push(format!("a range is kept for {name}, which is neither sold nor open"));
            }
            ["request", name, guest, _, _, _, booking, _, "true"] if !booking.is_empty() => {
                let is_it = |other: &&Vec<&str>| other[..2] == ["booking", booking];
                if all.iter().find(is_it).is_some_and(|other| other[3] != guest) {
                    faults.push(format!("{name} is confirmed by {booking}, which is another guest's"));
                }
            }
            _ => {}
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn lines(text: &str) -> Vec<String> {
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn nights_that_two_have_are_found() {
        let apart = lines("booking|b1||g1|1|3|confirmed\nblock|k1|3|5|true\nbooking|b2||g1|1|3|cancelled");
        assert_eq!(covered_twice(&apart), Vec::<String>::new());
        let both = lines("booking|b1||g1|1|4|confirmed\nblock|k1|3|5|true");
        assert_eq!(covered_twice(&both), ["k1 and b1 have the same nights"]);
    }

    #[test]
    fn what_is_sold_has_its_nights_by_one_range() {
        for (text, fault) in [
            ("booking|b1||g1|1|3|confirmed\nrange|b1|1|3", None),
            ("booking|b1||g1|1|3|cancelled", None),
            ("booking|b1|r1|g1|1|3|requested\nrange|b1|1|3\nrequest|r1|g1|1|3|under_review||b1|false", None),
            (
                "booking|b1|r1|g1|1|3|requested\nrange|b1|1|3\nrequest|r1|g1|1|3|declined||b1|false",
                Some("a range is kept for b1, which is neither sold nor open"),
            ),
            ("request|r1|g1|1|3|under_review|||false\nrange|r1|2|4", None),
            ("booking|b1||g1|1|3|checked_in", Some("b1 is sold for 1 to 3 and has the ranges []")),
            (
                "booking|b1||g1|1|3|confirmed\nrange|b1|1|2",
                Some(r#"b1 is sold for 1 to 3 and has the ranges [["1", "2"]]"#),
            ),
            (
                "booking|b1||g1|1|3|confirmed\nrange|b1|1|3\nrange|b1|4|5",
                Some(r#"b1 is sold for 1 to 3 and has the ranges [["1", "3"], ["4", "5"]]"#),
            ),
            (
                "booking|b1||g1|1|3|no_show\nrange|b1|1|3",
                Some("a range is kept for b1, which is neither sold nor open"),
            ),
            (
                "request|r1|g1|1|3|declined|||false\nrange|r1|1|3",
                Some("a range is kept for r1, which is neither sold nor open"),
            ),
            (
                "booking|b1||g2|1|3|confirmed\nrange|b1|1|3\nrequest|r1|g1|1|3|confirmed|b1||true",
                Some("r1 is confirmed by b1, which is another guest's"),
            ),
        ] {
            assert_eq!(not_covered(&lines(text)), Vec::from_iter(fault), "{text}");
        }
    }

    #[test]
    fn an_exception_is_for_calls_that_are_under_way_at_once() {
        let outcome = Outcome::default();
        let whole = Allowed::one_by_one(vec![0, 1], outcome);
        let beside = Allowed { beside: vec![(0, 1)], ..whole.clone() };
        let passed_over = Allowed { passed_over: vec![(0, 1)], ..whole.clone() };
        let turns = |of: &[(usize, usize)]| of.iter().copied().collect::<BTreeSet<_>>();
        for (earlier, over, fit) in [
            (turns(&[]), turns(&[]), [true, true, true]),
            (turns(&[(0, 1)]), turns(&[]), [true, false, true]),
            (turns(&[(0, 1)]), turns(&[(0, 1)]), [true, false, false]),
            (turns(&[(1, 0)]), turns(&[]), [false, false, false]),
        ] {
            let fits = [&whole, &beside, &passed_over].map(|one| one.fits(&earlier, &over));
            assert_eq!(fits, fit, "{earlier:?} {over:?}");
        }
    }

    #[test]
    fn no_fault_of_a_run_is_passed_over() {
        let calls = ["approve-r1", "cancel-r1"].map(|call| call.parse().unwrap());
        let outcome =
            |answers: [&str; 2]| Outcome { answers: answers.map(str::to_owned).to_vec(), lines: Vec::new() };
        let of = |outcome: Outcome| Ran { outcome, ..Ran::default() };
        let allowed =
            [Allowed { beside: vec![(0, 1)], ..Allowed::one_by_one(vec![0, 1], outcome(["done", "done"])) }];
        assert_eq!(faults(&calls, &of(outcome(["done", "done"])), &allowed), Vec::<String>::new());
        let earlier = Ran { earlier: [(0, 1)].into(), ..of(outcome(["done", "done"])) };
        assert_eq!(faults(&calls, &earlier, &allowed), ["no order of whole calls comes to this"]);
        let stalled = Ran { stalled: Some(Duration::from_secs(2)), ..of(outcome(["done", "INTERNAL"])) };
        assert_eq!(
            faults(&calls, &stalled, &[]),
            ["a call is answered INTERNAL", "the machine stalled: an order that takes a moment took 2.0s"]
        );
        let late = Ran { trouble: vec!["a circle".to_owned()], ..of(outcome(["LOCK_TIMEOUT", "INTERNAL"])) };
        assert_eq!(faults_at_any_time(&late), ["a circle", "a call is answered INTERNAL"]);
        let bare = |known: &str| Ran {
            known: not_covered(&lines(known)),
            outcome: Outcome { lines: lines("booking|b1||g1|1|2|checked_out"), answers: Vec::new() },
            ..Ran::default()
        };
        assert_eq!(faults(&calls, &bare("booking|b1||g1|1|3|confirmed"), &[]), Vec::<String>::new());
        assert_eq!(
            faults(&calls, &bare("booking|b2||g1|1|3|confirmed"), &[]),
            ["b1 is sold for 1 to 2 and has the ranges []"]
        );
        let strayed = Ran { strayed: Some(3), ..of(outcome(["done", "done"])) };
        assert_eq!(faults(&calls, &strayed, &[]), ["nobody could take turn 3 of the order"]);
        assert_eq!(faults_at_any_time(&strayed), Vec::<String>::new());
    }
}
