//! Calls of a tenant that wait for each other instead of for the database: while one batch
//! of them is under way, those that come wait, and are the next batch. Nothing waits for a
//! clock, and a call that finds few others goes at once, and alone. What a
//! batch does, and what becomes of a call that it leaves out, is not known here.
//!
//! A batch is run by a task of its own: a caller who goes away takes nobody along.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use uuid::Uuid;

/// Calls of a tenant beside which another one goes alone. A batch of one costs Postgres half
/// as much again as a call that goes alone, one of two as much for each as alone, one of four
/// two thirds and one of sixteen a half of it; and batches have half of those that are here.
const FEW: usize = 4;
/// Most calls of a batch: each keeps its rows locked until the last one is stored.
const MOST_OF_BATCH: usize = 64;
/// Most calls of a tenant that wait here; who comes then goes alone, and is refused there
/// if too many wait.
const MOST_WAITING: usize = 128;
/// How long a call waits for its batch before it goes alone; as long as for a turn.
const PATIENCE: Duration = Duration::from_secs(2);
/// Calls that go alone after a batch that was of no use to any of its calls: where competitors
/// are declined, say, none can go with others.
const ALONE_AFTER_USELESS: usize = 100;

/// The calls of all tenants. `J` is what a call asks for, `A` what it is answered.
#[derive(Debug)]
pub struct Together<J, A> {
    queues: Arc<Mutex<Queues<J, A>>>,
}

type Queues<J, A> = HashMap<Uuid, Queue<J, A>>;

/// The calls of a tenant, as long as there are any.
#[derive(Debug)]
struct Queue<J, A> {
    /// Calls that are here, alone or not.
    present: usize,
    /// Whether a task runs batches.
    runs: bool,
    /// Calls that go alone before a batch is tried again.
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
    /// For whoever joined while no task was running batches: it is to be started.
    pub batches: Option<Batches<J, A>>,
}

/// The batches of a tenant, one after the other, for the task that runs them. Dropping it
/// lets those who wait go alone.
#[derive(Debug)]
pub struct Batches<J, A> {
    together: Together<J, A>,
    tenant: Uuid,
    ended: bool,
}

impl<J, A> Together<J, A> {
    /// A call of a tenant comes.
    pub fn come(&self, tenant: Uuid) -> Present<J, A> {
        let mut queues = self.queues();
        let queue = queues.entry(tenant).or_default();
        let goes_alone = queue.present < FEW || queue.alone > 0 || queue.waiting.len() >= MOST_WAITING;
        queue.present += 1;
        queue.alone = queue.alone.saturating_sub(1);
        drop(queues);
        Present { together: self.clone(), tenant, goes_alone }
    }

    fn queues(&self) -> MutexGuard<'_, Queues<J, A>> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<J, A> Present<J, A> {
    /// Whether it has nobody to go with.
    pub fn goes_alone(&self) -> bool {
        self.goes_alone
    }

    /// Joins those that wait for the next batch.
    pub fn join(&self, job: Arc<J>) -> Joined<J, A> {
        let (sender, answer) = oneshot::channel();
        let mut queues = self.together.queues();
        let queue = queues.entry(self.tenant).or_default();
        let number = queue.next;
        queue.next += 1;
        queue.waiting.push_back(Waiting { job, number, answer: sender });
        let batches = (!std::mem::replace(&mut queue.runs, true)).then(|| Batches {
            together: self.together.clone(),
            tenant: self.tenant,
            ended: false,
        });
        drop(queues);
        Joined { number, answer, batches }
    }

    /// The answer of the batch that the call went with; `None` when it went with none.
    pub async fn answer(&self, mut joined: Joined<J, A>) -> Option<A> {
        match tokio::time::timeout(PATIENCE, &mut joined.answer).await {
            Ok(answered) => answered.ok(),
            Err(_) if self.leave(joined.number) => None,
            // Its batch is under way, and has an end of its own.
            Err(_) => joined.answer.await.ok(),
        }
    }

    /// Leaves those that wait; false when the batch has begun.
    fn leave(&self, number: u64) -> bool {
        let mut queues = self.together.queues();
        let Some(queue) = queues.get_mut(&self.tenant) else { return false };
        let waited = queue.waiting.len();
        queue.waiting.retain(|one| one.number != number);
        queue.waiting.len() < waited
    }
}

impl<J, A> Batches<J, A> {
    /// Takes the next batch: those that wait, but for callers who have gone. `None` when
    /// nobody waits; then the task is over.
    pub fn next(&mut self) -> Option<Vec<Waiting<J, A>>> {
        let mut queues = self.together.queues();
        let queue = queues.entry(self.tenant).or_default();
        queue.waiting.retain(Waiting::is_there);
        if queue.waiting.is_empty() {
            queue.runs = false;
            self.ended = true;
            forget_if_gone(&mut queues, self.tenant);
            return None;
        }
        let batch = queue.waiting.len().min(MOST_OF_BATCH);
        Some(queue.waiting.drain(..batch).collect())
    }

    /// The last batch was of no use.
    pub fn was_useless(&self) {
        if let Some(queue) = self.together.queues().get_mut(&self.tenant) {
            queue.alone = ALONE_AFTER_USELESS;
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

fn forget_if_gone<J, A>(queues: &mut Queues<J, A>, tenant: Uuid) {
    if queues.get(&tenant).is_some_and(|queue| queue.present == 0 && !queue.runs) {
        queues.remove(&tenant);
    }
}

impl<J, A> Drop for Present<J, A> {
    fn drop(&mut self) {
        let mut queues = self.together.queues();
        if let Some(queue) = queues.get_mut(&self.tenant) {
            queue.present -= 1;
        }
        forget_if_gone(&mut queues, self.tenant);
    }
}

/// A task that did not come to its end has panicked.
impl<J, A> Drop for Batches<J, A> {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        let mut queues = self.together.queues();
        if let Some(queue) = queues.get_mut(&self.tenant) {
            queue.runs = false;
            queue.waiting.clear();
        }
        forget_if_gone(&mut queues, self.tenant);
    }
}

impl<J, A> Clone for Together<J, A> {
    fn clone(&self) -> Self {
        Self { queues: Arc::clone(&self.queues) }
    }
}

impl<J, A> Default for Together<J, A> {
    fn default() -> Self {
        Self { queues: Arc::default() }
    }
}

impl<J, A> Default for Queue<J, A> {
    fn default() -> Self {
        Self { present: 0, runs: false, alone: 0, waiting: VecDeque::new(), next: 0 }
    }
}

#[cfg(test)]
// A test that cannot go on says where.
#[allow(clippy::unwrap_used)]
mod tests;
