//! What must hold of whatever came of an order.

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

/// What comes of calls one after the other, with the order in which they came.
pub type OneByOne = Vec<(Vec<usize>, Outcome)>;

/// What is wrong with what came of an order of statements. It is what comes of some order of whole
/// calls, in which a call that was answered before another one had run anything comes first.
pub fn faults(calls: &[Call], ran: &Ran, one_by_one: &OneByOne) -> Vec<String> {
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
    let place = |order: &[usize], call: usize| order.iter().position(|one| *one == call);
    let fits = |(order, outcome): &(Vec<usize>, Outcome)| {
        *outcome == ran.outcome
            && ran.earlier.iter().all(|(one, other)| place(order, *one) < place(order, *other))
    };
    let Outcome { answers, lines } = &ran.outcome;
    if !one_by_one.is_empty() && !one_by_one.iter().any(fits) && !both_let_in(calls, answers, lines) {
        faults.push("no order of whole calls comes to this".to_owned());
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

/// What is sold and has no range, and requests that are confirmed by somebody else's booking.
fn not_covered(lines: &[String]) -> Vec<String> {
    let mut faults = Vec::new();
    let all: Vec<Vec<&str>> = lines.iter().map(|line| line.split('|').collect()).collect();
    for parts in &all {
        match parts[..] {
            ["booking", name, .., "confirmed" | "checked_in" | "checked_out"]
                if !all.iter().any(|other| other[..2] == ["range", name]) =>
            {
                faults.push(format!("{name} is sold and has no range"));
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
    use super::*;

    #[test]
    fn nights_that_two_have_are_found() {
        let lines = |text: &str| -> Vec<String> { text.lines().map(str::to_owned).collect() };
        let apart = lines("booking|b1||g1|1|3|confirmed\nblock|k1|3|5|true\nbooking|b2||g1|1|3|cancelled");
        assert_eq!(covered_twice(&apart), Vec::<String>::new());
        let both = lines("booking|b1||g1|1|4|confirmed\nblock|k1|3|5|true");
        assert_eq!(covered_twice(&both), ["k1 and b1 have the same nights"]);
    }
}
