//! Calls that are broken off: one loses its connection at each of its statements, before the
//! server has it and after it has run it, has its session ended by the server, or a statement
//! that takes too long, or the server stops and starts again; and another call comes after it. A
//! server that stops ends what that one has begun, too.
//! What the call stored is all or nothing, and its answer says which, or that nobody knows.

use crate::call::Call;
use crate::check::{Allowed, faults};
use crate::explore::{Cell, Failed, Found, Order, Replay};
use crate::run::{Outcome, Ran};
use crate::states::Start;
use crate::stepper::Fault;
use crate::worker::Worker;

/// Answers of a call that may have stored something.
const UNKNOWN: &str = "OUTCOME_UNKNOWN";
/// Answers of one that was broken off, and that has stored nothing.
const NOTHING_STORED: [&str; 2] = ["DB_UNAVAILABLE", "STATEMENT_TIMEOUT"];
/// Where each statement is broken off in every way: each kind of approve, and calls that free
/// nights and take them.
const IN_EVERY_WAY: [(&str, [&str; 2]); 14] = [
    ("open+other", ["approve-r1", "approve-r2"]),
    ("auto:open+other", ["approve-r1", "cancel-r1"]),
    ("mark+other", ["approve-r1", "approve-r2"]),
    ("link+part", ["approve-r1", "cancel-b1"]),
    ("range+part", ["approve-r1", "approve-r2"]),
    ("moved", ["approve-r1", "approve-r1"]),
    ("related+part", ["approve-r1", "cancel-b1"]),
    ("overlap", ["approve-r1", "cancel-b1"]),
    ("hold+other", ["approve-r1", "approve-r2"]),
    ("keys:open+other", ["approve-r1", "approve-r1"]),
    ("approved+other", ["cancel-b1", "approve-r2"]),
    ("hold", ["cancel-r1", "create"]),
    ("open", ["create", "approve-r1"]),
    ("open", ["book", "approve-r1"]),
];

/// What calls come to of which nothing is broken off.
struct Unbroken {
    both: Ran,
    first: Outcome,
    second: Outcome,
    neither: Vec<String>,
}

impl Cell {
    /// Those whose first call is broken off in every way.
    pub fn broken_in_every_way() -> Vec<Self> {
        let cell = |(start, calls): (&str, [&str; 2])| {
            let calls = calls.map(|call| call.parse().unwrap()).to_vec();
            Self { start: Start::named(start).unwrap(), calls }
        };
        IN_EVERY_WAY.into_iter().map(cell).collect()
    }

    /// Tries the first call with each of its statements broken off in two of four ways, and the
    /// second one after it. Beside another call, it is the other ways.
    pub async fn break_off(&self, worker: &Worker) -> Found {
        let [_, second] = self.calls[..] else { return Found::default() };
        let turn = second.to_string().bytes().map(usize::from).sum::<usize>();
        let two = |at: usize| {
            let nth = |nth: usize| Fault::OF_SESSION[(2 * ((at + turn) % 2) + nth) % Fault::OF_SESSION.len()];
            vec![nth(0), nth(1)]
        };
        self.break_off_by(worker, two).await
    }

    /// The same in every way.
    pub async fn break_off_in_every_way(&self, worker: &Worker) -> Found {
        self.break_off_by(worker, |_| Fault::ALL.to_vec()).await
    }

    async fn break_off_by(&self, worker: &Worker, ways: impl Fn(usize) -> Vec<Fault>) -> Found {
        let mut found = Found::default();
        let Some(unbroken) = self.unbroken(worker).await else { return found };
        let points = &unbroken.both.points;
        let own = points.iter().take_while(|point| point.taken.eq_ignore_ascii_case(&'a')).count();
        for (at, point) in points[..own].iter().enumerate() {
            for fault in ways(at) {
                if fault == Fault::TimedOut && ["commit", "rollback"].contains(&&*point.what) {
                    continue;
                }
                let mut order = Order::of(&points[..at]);
                order.0.push((point.taken, Some(fault)));
                let ran = worker.run(&self.start, &self.calls, &order.0).await;
                found.count(&ran);
                let faults = broken(&self.calls, &ran, &unbroken);
                if !faults.is_empty() {
                    let replay = Replay { cell: self.clone(), order };
                    let before = unbroken.neither.clone();
                    let allowed = vec![Allowed::one_by_one(vec![0, 1], unbroken.both.outcome.clone())];
                    found.failed.push(Failed { replay, faults, ran, before, allowed });
                }
            }
        }
        found
    }

    /// What is wrong with an order in which the first call was broken off.
    pub(crate) async fn broken(&self, worker: &Worker, ran: &Ran) -> Vec<String> {
        let unbroken = self.unbroken(worker).await;
        unbroken.map_or_else(Vec::new, |unbroken| broken(&self.calls, ran, &unbroken))
    }

    async fn unbroken(&self, worker: &Worker) -> Option<Unbroken> {
        let [first, second] = self.calls[..] else { return None };
        Some(Unbroken {
            both: worker.run(&self.start, &self.calls, &[('a', None)]).await,
            first: worker.run(&self.start, &[first], &[]).await.outcome,
            second: worker.run(&self.start, &[second], &[]).await.outcome,
            neither: worker.lines_before(&self.start).await,
        })
    }
}

/// What is wrong with calls of which the first one was broken off.
fn broken(calls: &[Call], ran: &Ran, of: &Unbroken) -> Vec<String> {
    let mut faults = faults(calls, ran, &[]);
    let [answer, other] = &ran.outcome.answers[..] else { return faults };
    let (lines, whole) = (&ran.outcome.lines, &of.both.outcome);
    let stores_nothing = |answer: &str| NOTHING_STORED.iter().any(|known| answer.starts_with(known));
    // A server that stops ends what the second one has begun, too.
    let stops = ran.points.iter().any(|point| point.fault.is_some_and(Fault::is_stop));
    let (stored, nothing) = if stops && stores_nothing(other) {
        (*lines == of.first.lines, *lines == of.neither)
    } else {
        let (after, alone) = (whole.answers.get(1), of.second.answers.first());
        (*lines == whole.lines && Some(other) == after, *lines == of.second.lines && Some(other) == alone)
    };
    let fits = if answer.starts_with(UNKNOWN) {
        (stored || nothing) && was_committing(ran, &of.both)
    } else if stores_nothing(answer) {
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

/// Whether a commit was sent when the first call was broken off: it goes with the last statement, or
/// the last two. Until then everybody knows that nothing is stored.
fn was_committing(ran: &Ran, whole: &Ran) -> bool {
    let Some(at) = ran.points.iter().position(|point| point.fault.is_some()) else { return false };
    let from = whole.points.iter().skip(at).filter(|point| point.call() == 0);
    from.take(3).any(|point| point.what == "commit")
}
