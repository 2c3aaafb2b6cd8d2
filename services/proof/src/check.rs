//! What must hold of whatever came of an order.

use std::collections::BTreeSet;

use crate::call::Call;
use crate::people::both_let_in;
use crate::run::{Outcome, Ran};
use crate::stepper::Fault;

/// Answers that no order may end in.
const NEVER: [&str; 13] = [
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
/// Bookings that were sold and do not free their nights, as the lines name them.
const SOLD: [&str; 3] = ["confirmed", "checked_in", "checked_out"];
/// Those, and holds.
const HAVE_RANGES: [&str; 4] = ["confirmed", "checked_in", "checked_out", "requested"];
/// Requests that wait for a decision.
const OPEN: [&str; 2] = ["requested", "under_review"];

/// What calls may come to: what comes of an order of whole calls, or what is let pass beside that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowed {
    /// The order in which the calls come.
    pub order: Vec<usize>,
    pub outcome: Outcome,
    /// Calls that must have been under way at once; of whole calls, none.
    pub beside: Vec<(usize, usize)>,
}

impl Allowed {
    /// Whether the times of the calls let an order come to it.
    fn fits(&self, earlier: &BTreeSet<(usize, usize)>, over: &BTreeSet<(usize, usize)>) -> bool {
        let place = |call: usize| self.order.iter().position(|one| *one == call);
        let is_beside = |(one, other): &(usize, usize)| {
            ![(*one, *other), (*other, *one)].iter().any(|pair| over.contains(pair))
        };
        earlier.iter().all(|(one, other)| place(*one) < place(*other)) && self.beside.iter().all(is_beside)
    }
}

/// What is wrong with what came of an order of statements. It is what comes of some order of whole
/// calls, in which a call that was answered before another one had run anything comes first.
pub fn faults(calls: &[Call], ran: &Ran, allowed: &[Allowed]) -> Vec<String> {
    let mut faults = ran.trouble.clone();
    let is_asked_for = |answer: &str| {
        let times_out = ran.points.iter().any(|point| point.fault == Some(Fault::TimedOut));
        times_out && answer.starts_with("STATEMENT_TIMEOUT")
    };
    for answer in ran.outcome.answers.iter().filter(|answer| !is_asked_for(answer)) {
        if NEVER.iter().any(|never| answer.starts_with(never)) {
            faults.push(format!("a call is answered {answer}"));
        }
    }
    faults.extend(covered_twice(&ran.outcome.lines));
    faults.extend(not_covered(&ran.outcome.lines));
    let fits = |one: &Allowed| one.outcome == ran.outcome && one.fits(&ran.earlier, &ran.over);
    let Outcome { answers, lines } = &ran.outcome;
    let both = ran.over.is_empty() && both_let_in(calls, answers, lines);
    if !allowed.is_empty() && !allowed.iter().any(fits) && !both {
        faults.push("no order of whole calls comes to this".to_owned());
    }
    if let (Some(took), false) = (ran.stalled, faults.is_empty()) {
        faults.push(format!("the machine stalled: an order that takes a moment took {took:.1?}"));
    }
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

/// What is sold and does not have its nights by one range, ranges of what is neither sold nor
/// held nor asked for, and requests that are confirmed by somebody else's booking.
fn not_covered(lines: &[String]) -> Vec<String> {
    let mut faults = Vec::new();
    let all: Vec<Vec<&str>> = lines.iter().map(|line| line.split('|').collect()).collect();
    let ranges = |name: &str| -> Vec<[&str; 2]> {
        let of_it = all.iter().filter(|parts| parts[..2] == ["range", name]);
        of_it.filter_map(|parts| Some([*parts.get(2)?, *parts.get(3)?])).collect()
    };
    let may_have_ranges = |name: &str| {
        all.iter().any(|parts| match parts[..] {
            ["booking", booking, .., status] => booking == name && HAVE_RANGES.contains(&status),
            ["request", request, _, _, _, status, ..] => request == name && OPEN.contains(&status),
            _ => false,
        })
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
            ("booking|b1|r1|g1|1|3|requested\nrange|b1|1|3", None),
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
        let whole = Allowed { order: vec![0, 1], outcome, beside: Vec::new() };
        let beside = Allowed { beside: vec![(0, 1)], ..whole.clone() };
        let turns = |of: &[(usize, usize)]| of.iter().copied().collect::<BTreeSet<_>>();
        for (earlier, over, fit) in [
            (turns(&[]), turns(&[]), [true, true]),
            (turns(&[(0, 1)]), turns(&[]), [true, true]),
            (turns(&[(0, 1)]), turns(&[(0, 1)]), [true, false]),
            (turns(&[(1, 0)]), turns(&[]), [false, false]),
        ] {
            assert_eq!([&whole, &beside].map(|one| one.fits(&earlier, &over)), fit, "{earlier:?} {over:?}");
        }
    }

    #[test]
    fn no_fault_of_a_run_is_passed_over() {
        let calls = ["approve-r1", "cancel-r1"].map(|call| call.parse().unwrap());
        let outcome =
            |answers: [&str; 2]| Outcome { answers: answers.map(str::to_owned).to_vec(), lines: Vec::new() };
        let of = |outcome: Outcome| Ran { outcome, ..Ran::default() };
        let allowed =
            [Allowed { order: vec![0, 1], outcome: outcome(["done", "done"]), beside: vec![(0, 1)] }];
        assert_eq!(faults(&calls, &of(outcome(["done", "done"])), &allowed), Vec::<String>::new());
        let earlier = Ran { over: [(0, 1)].into(), ..of(outcome(["done", "done"])) };
        assert_eq!(faults(&calls, &earlier, &allowed), ["no order of whole calls comes to this"]);
        let stalled = Ran { stalled: Some(Duration::from_secs(2)), ..of(outcome(["done", "INTERNAL"])) };
        assert_eq!(
            faults(&calls, &stalled, &[]),
            ["a call is answered INTERNAL", "the machine stalled: an order that takes a moment took 2.0s"]
        );
    }
}
