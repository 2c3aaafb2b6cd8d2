//! Calls that are broken off: one loses its connection at each of its statements, before the
//! server has it and after it has run it, has its session ended by the server, or a statement
//! that takes too long, and another call comes after it. What the call stored is all or
//! nothing, and its answer says which, or that nobody knows.

use crate::call::Call;
use crate::check::{Allowed, faults};
use crate::explore::{Cell, Failed, Found, Order, Replay};
use crate::run::{Outcome, Ran};
use crate::stepper::Fault;
use crate::worker::Worker;

/// Answers of a call that may have stored something.
const UNKNOWN: &str = "OUTCOME_UNKNOWN";
/// Answers of one that was broken off, and that has stored nothing.
const NOTHING_STORED: [&str; 2] = ["DB_UNAVAILABLE", "STATEMENT_TIMEOUT"];

impl Cell {
    /// Tries the first call with each of its statements broken off, and the second one after it.
    pub async fn break_off(&self, worker: &Worker) -> Found {
        let mut found = Found::default();
        let [_, second] = self.calls[..] else { return found };
        let whole = worker.run(&self.start, &self.calls, &[('a', None)]).await;
        let without = worker.run(&self.start, &[second], &[]).await.outcome;
        let own = whole.points.iter().take_while(|point| point.taken.eq_ignore_ascii_case(&'a')).count();
        // Each statement breaks in two of four ways, and in the others beside another call.
        let turn = second.to_string().bytes().map(usize::from).sum::<usize>();
        for at in 0..own {
            for nth in [0, 1] {
                let fault = Fault::ALL[(2 * ((at + turn) % 2) + nth) % Fault::ALL.len()];
                if fault == Fault::TimedOut && ["commit", "rollback"].contains(&&*whole.points[at].what) {
                    continue;
                }
                let mut order = Order::of(&whole.points[..at]);
                order.0.push((whole.points[at].taken, Some(fault)));
                let ran = worker.run(&self.start, &self.calls, &order.0).await;
                found.count(&ran);
                let faults = broken(&self.calls, &ran, &whole.outcome, &without);
                if !faults.is_empty() {
                    let replay = Replay { cell: self.clone(), order };
                    let before = worker.lines_before(&self.start).await;
                    let outcome = whole.outcome.clone();
                    let allowed = vec![Allowed::one_by_one(vec![0, 1], outcome)];
                    found.failed.push(Failed { replay, faults, ran, before, allowed });
                }
            }
        }
        found
    }

    /// What is wrong with an order in which the first call was broken off.
    pub(crate) async fn broken(&self, worker: &Worker, ran: &Ran) -> Vec<String> {
        let [_, second] = self.calls[..] else { return Vec::new() };
        let whole = worker.run(&self.start, &self.calls, &[('a', None)]).await.outcome;
        let without = worker.run(&self.start, &[second], &[]).await.outcome;
        broken(&self.calls, ran, &whole, &without)
    }
}

/// What is wrong with calls of which the first one was broken off.
fn broken(calls: &[Call], ran: &Ran, whole: &Outcome, without: &Outcome) -> Vec<String> {
    let mut faults = faults(calls, ran, &[]);
    let [answer, other] = &ran.outcome.answers[..] else { return faults };
    let stored = ran.outcome.lines == whole.lines && Some(other) == whole.answers.get(1);
    let nothing = ran.outcome.lines == without.lines && Some(other) == without.answers.first();
    let fits = if answer.starts_with(UNKNOWN) {
        stored || nothing
    } else if NOTHING_STORED.iter().any(|known| answer.starts_with(known)) {
        nothing
    } else {
        // It needed nothing of what was lost, or began again.
        stored && Some(answer) == whole.answers.first()
    };
    if !fits {
        faults
            .push(format!("the call that was broken off is answered {answer}, which does not fit the rows"));
    }
    faults
}
