//! What came of an order.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::answer::Said;
use crate::call::Call;
use crate::stepper::Fault;

/// Where one of several turns was taken.
#[derive(Debug, Clone)]
pub struct Point {
    /// All that could be taken.
    pub letters: Vec<char>,
    pub taken: char,
    /// What was run.
    pub what: String,
    pub fault: Option<Fault>,
}

/// What came of an order.
#[derive(Debug, Default)]
pub struct Ran {
    pub points: Vec<Point>,
    pub outcome: Outcome,
    /// All that each call was answered, unless it was refused.
    pub wholes: Vec<String>,
    /// What each approve has said.
    pub said: Vec<Option<Said>>,
    /// Calls that were answered before another one had run anything.
    pub earlier: BTreeSet<(usize, usize)>,
    /// Those of which nothing was left, either: one that is answered may have locks until it has
    /// rolled back.
    pub over: BTreeSet<(usize, usize)>,
    /// What was run, in its order.
    pub trace: Vec<String>,
    /// What contradicts itself from the start.
    pub known: Vec<String>,
    /// What no order may come to.
    pub trouble: Vec<String>,
    /// The first turn of the order that nobody could take.
    pub strayed: Option<usize>,
    /// How long it took, where the machine stood still.
    pub stalled: Option<Duration>,
    /// How often it was run before, because of that.
    pub again: usize,
}

impl Ran {
    /// The statements of an order that was run, in its order.
    pub fn statements(&self, turns: usize) -> String {
        let what: Vec<&str> = self.points.iter().take(turns).map(|point| &*point.what).collect();
        what.join(" ")
    }

    /// Notes who has been answered, and who is over, while others have run nothing.
    pub(super) fn note_earlier(&mut self, is_answered: &[bool], is_over: &[bool]) {
        let calls = 0..is_answered.len();
        let is_idle = |call: &usize| self.points.iter().all(|point| point.call() != *call);
        let idle: Vec<usize> = calls.clone().filter(is_idle).collect();
        let before_idle = |is_it: &[bool]| -> Vec<(usize, usize)> {
            let one = calls.clone().filter(|one| is_it[*one]);
            one.flat_map(|one| {
                idle.iter().filter(move |other| **other != one).map(move |other| (one, *other))
            })
            .collect()
        };
        let (earlier, over) = (before_idle(is_answered), before_idle(is_over));
        self.earlier.extend(earlier);
        self.over.extend(over);
    }

    /// One key has one answer.
    pub(super) fn compare_repeated(&mut self, calls: &[Call]) {
        for (at, call) in calls.iter().enumerate() {
            for other in (at + 1..calls.len()).filter(|other| calls[*other] == *call) {
                let (one, other) = (&self.wholes[at], &self.wholes[other]);
                if one != other && !one.is_empty() && !other.is_empty() {
                    self.trouble.push(format!("one key has two answers: {one} and {other}"));
                }
            }
        }
    }
}

impl Point {
    /// The call whose turn it was.
    pub(crate) fn call(&self) -> usize {
        usize::from(self.taken.to_ascii_lowercase() as u8 - b'a')
    }
}

/// What is seen of an order from outside.
#[derive(Debug, Default, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Outcome {
    pub answers: Vec<String>,
    /// The rows and events afterwards.
    pub lines: Vec<String>,
}

#[cfg(test)]
mod tests;
