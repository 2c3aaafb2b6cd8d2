//! Calls of a tenant that wait for each other instead of for the database: while one lot
//! of them is under way, those that come wait, and are the next lot. Nothing waits for a
//! clock, and a call that finds few others goes at once, and alone. What a
//! lot does, and what becomes of a call that it leaves out, is not known here.
//!
//! A lot is run by a task of its own: a caller who goes away takes nobody along.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use uuid::Uuid;

/// Calls of a tenant beside which another one goes alone. A lot of one costs Postgres half
/// as much again as a call that goes alone, one of two as much for each as alone, one of four
/// two thirds and one of sixteen a half of it; and lots have half of those that are here.
const FEW: usize = 4;
/// Most calls of a lot: each keeps its rows locked until the last one is stored.
const MOST_OF_LOT: usize = 64;
/// Most calls of a tenant that wait here; who comes then goes alone, and is refused there
/// if too many wait.
const MOST_WAITING: usize = 128;
/// How long a call waits for its lot before it goes alone; as long as for a turn.
const PATIENCE: Duration = Duration::from_secs(2);
/// Calls that go alone after a lot that was of no use to any of its calls: where competitors
/// are declined, say, none can go with others.
const ALONE_AFTER_USELESS: usize = 100;

/// The calls of all tenants. `J` is what a call asks for, `A` what it is answered.
#[derive(Debug)]
pub struct Together<J, A> {
    lines: Arc<Mutex<Lines<J, A>>>,
}

type Lines<J, A> = HashMap<Uuid, Line<J, A>>;

/// The calls of a tenant, as long as there are any.
#[derive(Debug)]
struct Line<J, A> {
    /// Calls that are here, alone or not.
    present: usize,
    /// Whether a task runs lots.
    runs: bool,
    /// Calls that go alone before a lot is tried again.
    alone: usize,
    waiting: VecDeque<Waiting<J, A>>,
    /// The number of the next one that waits.
    next: u64,
}

/// A call that waits.
#[derive(Debug)]
pub struct Waiting<J, A> {
    pub job: Arc<J>,
    number: u64,
    answer: oneshot::Sender<A>,
}

/// A call that is here, until it is dropped.
#[derive(Debug)]
pub struct Present<J, A> {
    together: Together<J, A>,
    tenant: Uuid,
    goes_alone: bool,
}

/// A call that has joined those that wait.
#[derive(Debug)]
pub struct Joined<J, A> {
    number: u64,
    answer: oneshot::Receiver<A>,
    /// For whoever joined while no task was running lots: it is to be started.
    pub lots: Option<Lots<J, A>>,
}

/// The lots of a tenant, one after the other, for the task that runs them. Dropping it
/// lets those who wait go alone.
#[derive(Debug)]
pub struct Lots<J, A> {
    together: Together<J, A>,
    tenant: Uuid,
    ended: bool,
}

impl<J, A> Together<J, A> {
    /// A call of a tenant comes.
    pub fn come(&self, tenant: Uuid) -> Present<J, A> {
        let mut lines = self.lines();
        let line = lines.entry(tenant).or_default();
        let goes_alone = line.present < FEW || line.alone > 0 || line.waiting.len() >= MOST_WAITING;
        line.present += 1;
        line.alone = line.alone.saturating_sub(1);
        drop(lines);
        Present { together: self.clone(), tenant, goes_alone }
    }

    fn lines(&self) -> MutexGuard<'_, Lines<J, A>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<J, A> Present<J, A> {
    /// Whether it has nobody to go with.
    pub fn goes_alone(&self) -> bool {
        self.goes_alone
    }

    /// Joins those that wait for the next lot.
    pub fn join(&self, job: Arc<J>) -> Joined<J, A> {
        let (sender, answer) = oneshot::channel();
        let mut lines = self.together.lines();
        let line = lines.entry(self.tenant).or_default();
        let number = line.next;
        line.next += 1;
        line.waiting.push_back(Waiting { job, number, answer: sender });
        let lots = (!std::mem::replace(&mut line.runs, true)).then(|| Lots {
            together: self.together.clone(),
            tenant: self.tenant,
            ended: false,
        });
        drop(lines);
        Joined { number, answer, lots }
    }

    /// The answer of the lot that the call went with; `None` when it went with none.
    pub async fn answer(&self, mut joined: Joined<J, A>) -> Option<A> {
        match tokio::time::timeout(PATIENCE, &mut joined.answer).await {
            Ok(answered) => answered.ok(),
            Err(_) if self.leave(joined.number) => None,
            // Its lot is under way, and has an end of its own.
            Err(_) => joined.answer.await.ok(),
        }
    }

    /// Leaves those that wait; false when the lot has begun.
    fn leave(&self, number: u64) -> bool {
        let mut lines = self.together.lines();
        let Some(line) = lines.get_mut(&self.tenant) else { return false };
        let waited = line.waiting.len();
        line.waiting.retain(|one| one.number != number);
        line.waiting.len() < waited
    }
}

impl<J, A> Lots<J, A> {
    /// Takes the next lot: those that wait, but for callers who have gone. `None` when
    /// nobody waits; then the task is over.
    pub fn next(&mut self) -> Option<Vec<Waiting<J, A>>> {
        let mut lines = self.together.lines();
        let line = lines.entry(self.tenant).or_default();
        line.waiting.retain(Waiting::is_there);
        if line.waiting.is_empty() {
            line.runs = false;
            self.ended = true;
            forget_if_gone(&mut lines, self.tenant);
            return None;
        }
        let lot = line.waiting.len().min(MOST_OF_LOT);
        Some(line.waiting.drain(..lot).collect())
    }

    /// The last lot was of no use.
    pub fn was_useless(&self) {
        if let Some(line) = self.together.lines().get_mut(&self.tenant) {
            line.alone = ALONE_AFTER_USELESS;
        }
    }
}

impl<J, A> Waiting<J, A> {
    /// Whether the caller is still there.
    pub fn is_there(&self) -> bool {
        !self.answer.is_closed()
    }

    /// Answers the call, whose caller may be gone.
    pub fn answer(self, answer: A) {
        drop(self.answer.send(answer));
    }
}

fn forget_if_gone<J, A>(lines: &mut Lines<J, A>, tenant: Uuid) {
    if lines.get(&tenant).is_some_and(|line| line.present == 0 && !line.runs) {
        lines.remove(&tenant);
    }
}

impl<J, A> Drop for Present<J, A> {
    fn drop(&mut self) {
        let mut lines = self.together.lines();
        if let Some(line) = lines.get_mut(&self.tenant) {
            line.present -= 1;
        }
        forget_if_gone(&mut lines, self.tenant);
    }
}

/// A task that did not come to its end has panicked.
impl<J, A> Drop for Lots<J, A> {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        let mut lines = self.together.lines();
        if let Some(line) = lines.get_mut(&self.tenant) {
            line.runs = false;
            line.waiting.clear();
        }
        forget_if_gone(&mut lines, self.tenant);
    }
}

impl<J, A> Clone for Together<J, A> {
    fn clone(&self) -> Self {
        Self { lines: Arc::clone(&self.lines) }
    }
}

impl<J, A> Default for Together<J, A> {
    fn default() -> Self {
        Self { lines: Arc::default() }
    }
}

impl<J, A> Default for Line<J, A> {
    fn default() -> Self {
        Self { present: 0, runs: false, alone: 0, waiting: VecDeque::new(), next: 0 }
    }
}

#[cfg(test)]
// A test that cannot go on says where.
#[allow(clippy::unwrap_used)]
mod tests;
