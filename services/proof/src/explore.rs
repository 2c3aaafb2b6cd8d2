//! All orders of a cell: two or three calls from one state.

mod written;

use std::collections::VecDeque;
use std::fmt;

use crate::call::Call;
use crate::check::{Allowed, faults};
use crate::model;
use crate::run::{Outcome, Point, Ran};
use crate::states::Start;
use crate::stepper::Fault;
use crate::worker::Worker;

/// Calls from a state.
#[derive(Debug, Clone)]
pub struct Cell {
    pub start: Start,
    pub calls: Vec<Call>,
}

/// What is tried of a cell.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// How often a call may be left that could go on.
    pub switches: usize,
    /// Most orders.
    pub most: usize,
    /// Failures after which the others are not looked for.
    pub failures: usize,
}

/// An order, as a letter for each turn.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Order(pub Vec<(char, Option<Fault>)>);

/// An order of a cell, as `--replay` takes it.
#[derive(Debug, Clone)]
pub struct Replay {
    pub cell: Cell,
    pub order: Order,
}

/// What was found in a cell.
#[derive(Debug, Default)]
pub struct Found {
    pub orders: usize,
    /// How often one was run again, because the machine had stood still.
    pub again: usize,
    /// Whether there were more than the limits let be tried.
    pub is_cut: bool,
    pub failed: Vec<Failed>,
}

/// An order that came to what must not be.
#[derive(Debug)]
pub struct Failed {
    pub replay: Replay,
    pub faults: Vec<String>,
    pub ran: Ran,
    pub before: Vec<String>,
    pub allowed: Vec<Allowed>,
}

impl Cell {
    /// Every pair of calls from a state.
    pub fn pairs(start: &Start) -> Vec<Self> {
        let calls = Call::all(&start.world);
        let pair = |(at, one): (usize, &Call)| {
            calls[at..].iter().map(|other| vec![*one, *other]).collect::<Vec<_>>()
        };
        let pairs = calls.iter().enumerate().flat_map(pair);
        pairs.map(|calls| Self { start: start.clone(), calls }).collect()
    }

    /// Tries all orders within limits.
    pub async fn explore(&self, worker: &Worker, limits: Limits) -> Found {
        let mut found = Found::default();
        let allowed = self.allowed(worker, &mut found).await;
        // Those with few turns that somebody chose come first.
        let mut left = VecDeque::from([Order::default()]);
        while let Some(order) = left.pop_front() {
            if found.orders >= limits.most || found.failed.len() >= limits.failures {
                found.is_cut = true;
                break;
            }
            let ran = worker.run(&self.start, &self.calls, &order.0).await;
            found.count(&ran);
            for (at, point) in ran.points.iter().enumerate().skip(order.0.len()) {
                for letter in point.letters.iter().filter(|letter| **letter != point.taken) {
                    let next = Order::taking(&ran.points[..at], *letter);
                    if switches(&ran.points[..at], point, *letter) <= limits.switches {
                        left.push_back(next);
                    } else {
                        found.is_cut = true;
                    }
                }
            }
            if !faults(&self.calls, &ran, &allowed).is_empty() {
                found.failed.push(self.failed(worker, ran, &allowed).await);
            }
        }
        found
    }

    /// What comes of the calls one after the other, in each order, and what is let pass beside.
    pub async fn allowed(&self, worker: &Worker, found: &mut Found) -> Vec<Allowed> {
        let mut outcomes = Vec::new();
        for first in orders(self.calls.len()) {
            let ran = worker.run_by(&self.start, &self.calls, &mut wholly(&first)).await;
            let mut faults = faults(&self.calls, &ran, &[]);
            let whole: Vec<usize> = first.iter().map(|letter| usize::from(*letter as u8 - b'a')).collect();
            let described = model::one_by_one(&self.start.world, &self.calls, &whole);
            if described.as_ref().is_some_and(|described| *described != ran.outcome) {
                faults.push("the model comes to something else".to_owned());
            }
            faults.extend(self.unlike_explained(worker, whole[0], &ran).await);
            faults.extend(self.named_nothing(whole[0], &ran));
            let one_by_one = |outcome: Outcome| Allowed::one_by_one(whole.clone(), outcome);
            let mut allowed = vec![one_by_one(ran.outcome.clone())];
            allowed.extend(model::told::allowed(&self.start.world, &self.calls, &whole));
            if described.is_none() && whole.len() == 2 {
                let world = &self.start.world;
                let alone = worker.run(&self.start, &[self.calls[whole[0]]], &[]).await.outcome;
                let told = alone.lines.iter().filter(|line| line.starts_with("event|")).count();
                allowed.extend(model::told::unknown_later(world, &self.calls, &whole, &ran.outcome, told));
                allowed.extend(model::told::unknown_passed_over(world, &self.calls, &whole, &alone));
            }
            for one in allowed {
                if !outcomes.contains(&one) {
                    outcomes.push(one);
                }
            }
            if !faults.is_empty() {
                let replay = Replay { cell: self.clone(), order: Order::of(&ran.points) };
                let before = worker.lines_before(&self.start).await;
                found.failed.push(Failed {
                    replay,
                    faults,
                    ran,
                    before,
                    allowed: described.map(one_by_one).into_iter().collect(),
                });
            }
        }
        outcomes
    }

    /// A call that comes first names the version that its row has.
    fn named_nothing(&self, first: usize, of: &Ran) -> Option<String> {
        let answer = of.outcome.answers.get(first)?;
        answer
            .starts_with("ETAG_MISMATCH")
            .then(|| format!("{} names no version that was read", self.calls[first]))
    }

    /// An approve to which nothing came in between does what its explanation says.
    async fn unlike_explained(&self, worker: &Worker, first: usize, of: &Ran) -> Option<String> {
        let (Call::Approve(n), said) = (self.calls[first], of.said.get(first)?) else { return None };
        let explained = worker.explained(&self.start, n).await;
        let is_as_explained = said.as_ref().is_some_and(|said| said.is_as(&explained));
        let differs = || format!("{} is explained as {explained:?} and answered {said:?}", self.calls[first]);
        (!is_as_explained).then(differs)
    }

    /// The failure with the shortest beginning that still fails.
    pub(crate) async fn failed(&self, worker: &Worker, first: Ran, allowed: &[Allowed]) -> Failed {
        let order = Order::of(&first.points);
        let mut shortest = order.clone();
        for length in 0..order.0.len() {
            let ran = worker.run(&self.start, &self.calls, &order.0[..length]).await;
            if !faults(&self.calls, &ran, allowed).is_empty() {
                shortest.0.truncate(length);
                break;
            }
        }
        let mut ran = worker.run(&self.start, &self.calls, &shortest.0).await;
        let mut found = faults(&self.calls, &ran, allowed);
        if found.is_empty() {
            (found, ran) = (faults(&self.calls, &first, allowed), first);
            found.push("it did not fail again, so something else than the order decides".to_owned());
        }
        let (before, faults) = (worker.lines_before(&self.start).await, found);
        let replay = Replay { cell: self.clone(), order: shortest };
        Failed { replay, faults, ran, before, allowed: allowed.to_vec() }
    }
}

impl Found {
    /// Counts an order that was run.
    pub fn count(&mut self, ran: &Ran) {
        self.orders += 1;
        self.again += ran.again;
    }
}

impl Replay {
    /// Runs it again, and says what is wrong with it, if anything is.
    pub async fn again(&self, worker: &Worker) -> Failed {
        let mut found = Found::default();
        let allowed = self.cell.allowed(worker, &mut found).await;
        if let Some(failed) = found.failed.pop() {
            return failed;
        }
        let ran = worker.run(&self.cell.start, &self.cell.calls, &self.order.0).await;
        let is_broken = ran.points.iter().any(|point| point.fault.is_some());
        let faults = if is_broken {
            self.cell.broken(worker, &ran).await
        } else {
            faults(&self.cell.calls, &ran, &allowed)
        };
        let before = worker.lines_before(&self.cell.start).await;
        Failed { replay: self.clone(), faults, ran, before, allowed }
    }
}

impl Failed {
    /// What its turns ran.
    pub fn statements(&self) -> String {
        self.ran.statements(self.replay.order.0.len())
    }
}

impl Order {
    /// The order that was run.
    pub fn of(points: &[Point]) -> Self {
        Self(points.iter().map(|point| (point.taken, point.fault)).collect())
    }

    /// The same beginning, and another turn.
    fn taking(points: &[Point], letter: char) -> Self {
        let mut order = Self::of(points);
        order.0.push((letter, None));
        order
    }
}

/// How often a call was left that could go on, if this turn is taken next.
fn switches(before: &[Point], point: &Point, letter: char) -> usize {
    let taken = before.iter().map(|point| (&point.letters, point.taken)).chain([(&point.letters, letter)]);
    let (mut last, mut switches) = (None::<char>, 0);
    for (letters, taken) in taken {
        let could_go_on = last.is_some_and(|last| letters.iter().any(|one| one.eq_ignore_ascii_case(&last)));
        switches += usize::from(could_go_on && last.is_some_and(|last| !last.eq_ignore_ascii_case(&taken)));
        last = Some(taken);
    }
    switches
}

/// Turns by which calls come one after the other: each goes on until it has none.
fn wholly(calls: &[char]) -> impl FnMut(usize, &[char]) -> Option<(char, Option<Fault>)> + Send {
    move |_, letters| {
        let turn = |call: &char| letters.iter().copied().find(|letter| letter.eq_ignore_ascii_case(call));
        calls.iter().find_map(turn).map(|letter| (letter, None))
    }
}

/// Each order of so many calls, by their letters.
fn orders(calls: usize) -> Vec<Vec<char>> {
    let letters: Vec<char> = ('a'..).take(calls).collect();
    let mut all = vec![Vec::new()];
    for _ in 0..calls {
        all = all
            .into_iter()
            .flat_map(|begun: Vec<char>| {
                let rest = letters.iter().filter(|letter| !begun.contains(letter)).copied();
                rest.map(|letter| [begun.clone(), vec![letter]].concat()).collect::<Vec<_>>()
            })
            .collect();
    }
    all
}

impl fmt::Display for Failed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = if self.faults.is_empty() { "passed" } else { "FAILED" };
        writeln!(out, "{word} --replay '{}'", self.replay)?;
        writeln!(out, "  {}", self.statements())?;
        for fault in &self.faults {
            writeln!(out, "  {fault}")?;
        }
        let calls = &self.replay.cell.calls;
        let answered = |out: &mut fmt::Formatter<'_>, answers: &[String]| {
            calls.iter().zip(answers).try_for_each(|(call, answer)| writeln!(out, "    {call}: {answer}"))
        };
        writeln!(out, "  before:")?;
        self.before.iter().try_for_each(|line| writeln!(out, "    {line}"))?;
        writeln!(out, "  run:")?;
        self.ran.trace.iter().try_for_each(|step| writeln!(out, "    {step}"))?;
        writeln!(out, "  answered:")?;
        answered(out, &self.ran.outcome.answers)?;
        writeln!(out, "  after:")?;
        self.ran.outcome.lines.iter().try_for_each(|line| writeln!(out, "    {line}"))?;
        for Allowed { outcome, beside, passed_over, .. } in &self.allowed {
            let how = if beside.is_empty() && passed_over.is_empty() {
                "one after the other"
            } else {
                "let pass beside that"
            };
            writeln!(out, "  {how}:")?;
            answered(out, &outcome.answers)?;
            let differs = |line: &&String| !self.ran.outcome.lines.contains(line);
            outcome.lines.iter().filter(differs).try_for_each(|line| writeln!(out, "    {line}"))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaving_a_call_that_could_go_on_is_a_switch() {
        let point = |letters: &str, taken| {
            let (letters, what) = (letters.chars().collect(), String::new());
            Point { letters, taken, what, fault: None }
        };
        let before = [point("ab", 'a'), point("ab", 'b')];
        assert_eq!(switches(&before, &point("ab", 'b'), 'b'), 1);
        assert_eq!(switches(&before, &point("ab", 'b'), 'a'), 2);
        // The other one waits, or is over.
        assert_eq!(switches(&before, &point("a", 'a'), 'a'), 1);
        assert_eq!(orders(3).len(), 6);
    }
}
