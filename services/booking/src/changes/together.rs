//! Calls that wait for each other instead of for the database: while one batch of them is
//! under way, those that come wait, and are the next batch. Nothing waits for a clock, and
//! a call that finds few others goes at once, and alone. What a batch does, and what
//! becomes of a call that it leaves out, is not known here.
//!
//! Calls of a tenant that has many go with each other, and those of tenants that have few
//! go together: so a tenant with very many calls keeps no other waiting.
//!
//! A batch is run by a task of its own: a caller who goes away takes nobody along. Tenants
//! that have few make batches of which each call costs the database nearly what it costs
//! alone, so that two of these batches may be under way at once, of different tenants: what
//! two of one ask for may be the same nights, and one batch would wait for the other.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;
use uuid::Uuid;

/// Calls of a tenant, and of all tenants that have few, beside which another one goes alone.
/// A batch of two of a tenant costs Postgres as much for each as alone, one of four two
/// thirds and one of sixteen a half of it; and batches have half of those that are here.
/// As many that wait are worth a second batch.
const FEW: usize = 4;
/// Most calls of a batch of one tenant: each keeps its rows locked until the last is stored.
const MOST_OF_BATCH: usize = 64;
/// The same of a batch of several tenants, each of which has statements of its own, with
/// as much time for each.
const MOST_OF_SEVERAL: usize = 16;
/// Most calls of a line that wait here; who comes then goes alone, and is refused there if
/// too many wait.
const MOST_WAITING: usize = 128;
/// How long a call waits for its batch before it goes alone; as long as for a turn.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long calls of tenants that have few go alone after a batch of theirs that failed or
/// was slow: what one tenant's rows cost, others do not wait for again and again.
const ALONE_AFTER_TROUBLE: Duration = Duration::from_secs(30);
/// Calls that go alone after a batch that was of no use to any of its calls: where competitors
/// are declined, say, none can go with others.
const ALONE_AFTER_USELESS: usize = 100;

/// The calls of all tenants. `J` is what a call asks for, `A` what it is answered.
#[derive(Debug)]
pub struct Together<J, A> {
    queues: Arc<Mutex<Queues<J, A>>>,
}

type Queues<J, A> = HashMap<Line, Queue<J, A>>;

/// Who waits for each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Line {
    /// The calls of a tenant that has many.
    Tenant(Uuid),
    /// Those of all the others.
    Others,
}

/// The calls of a line, as long as there are any.
#[derive(Debug)]
struct Queue<J, A> {
    /// Calls that are here, alone or not.
    present: usize,
    /// Tasks that run batches.
    tasks: usize,
    /// Calls that go alone before a batch is tried again.
    alone: usize,
    /// Until when all of them do.
    alone_until: Option<Instant>,
    waiting: VecDeque<Waiting<J, A>>,
    /// Whose calls are in a batch under way.
    under_way: HashSet<Uuid>,
    /// The number of the next one that waits.
    next: u64,
}

/// A call that waits.
#[derive(Debug)]
pub struct Waiting<J, A> {
    pub job: Arc<J>,
    tenant: Uuid,
    number: u64,
    answer: oneshot::Sender<A>,
}

/// A call that is here, until it is dropped.
#[derive(Debug)]
pub struct Present<J, A> {
    together: Together<J, A>,
    tenant: Uuid,
    line: Line,
    goes_alone: bool,
}

/// A call that has joined those that wait.
#[derive(Debug)]
pub struct Joined<J, A> {
    number: u64,
    answer: oneshot::Receiver<A>,
    /// For whoever joined while too few tasks were running batches: one is to be started.
    pub batches: Option<Batches<J, A>>,
}

/// Batches of a line, one after the other, for a task that runs them. Dropping it lets those
/// who wait go alone.
#[derive(Debug)]
pub struct Batches<J, A> {
    together: Together<J, A>,
    line: Line,
    /// The calls of the last one, and whose they are.
    last: (usize, HashSet<Uuid>),
    ended: bool,
}

impl<J, A> Together<J, A> {
    /// A call of a tenant comes.
    pub fn come(&self, tenant: Uuid) -> Present<J, A> {
        let mut queues = self.queues();
        let own = queues.entry(Line::Tenant(tenant)).or_default();
        let (line, was_useless) = (own.line_of_next(tenant), own.alone > 0);
        let mut goes_alone = own.comes();
        if line == Line::Others {
            let others_go_alone = queues.entry(line).or_default().comes();
            goes_alone = was_useless || others_go_alone;
        }
        drop(queues);
        Present { together: self.clone(), tenant, line, goes_alone }
    }

    fn queues(&self) -> MutexGuard<'_, Queues<J, A>> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Line {
    /// Batches that may be under way at once.
    fn most_tasks(self) -> usize {
        match self {
            Self::Tenant(_) => 1,
            Self::Others => 2,
        }
    }

    fn most_of_batch(self) -> usize {
        match self {
            Self::Tenant(_) => MOST_OF_BATCH,
            Self::Others => MOST_OF_SEVERAL,
        }
    }
}

impl<J, A> Queue<J, A> {
    /// With whom the next call of a tenant goes, of this queue of its calls.
    fn line_of_next(&self, tenant: Uuid) -> Line {
        if self.present < FEW { Line::Others } else { Line::Tenant(tenant) }
    }

    /// A call comes; whether it goes alone.
    fn comes(&mut self) -> bool {
        let goes_alone = self.present < FEW
            || self.alone > 0
            || self.is_in_trouble()
            || self.waiting.len() >= MOST_WAITING;
        self.present += 1;
        self.alone = self.alone.saturating_sub(1);
        goes_alone
    }
}

impl<J, A> Queue<J, A> {
    /// Whether those who wait are to have another task: the first one at once, and one more
    /// where it finds several of them.
    fn needs_task(&self, line: Line) -> bool {
        let free = || self.waiting.iter().filter(|one| !self.under_way.contains(&one.tenant)).count();
        self.tasks == 0 || (self.tasks < line.most_tasks() && free() >= FEW)
    }

    /// Takes those out of the line that are the next batch: the first, but for those of
    /// tenants of which a batch is under way.
    fn take(&mut self, most: usize) -> Vec<Waiting<J, A>> {
        let mut batch = Vec::new();
        for one in std::mem::take(&mut self.waiting) {
            if batch.len() < most && !self.under_way.contains(&one.tenant) {
                batch.push(one);
            } else {
                self.waiting.push_back(one);
            }
        }
        batch
    }

    /// A batch of these is over.
    fn forget(&mut self, tenants: &HashSet<Uuid>) {
        self.under_way.retain(|tenant| !tenants.contains(tenant));
    }

    /// Whether its last batches were trouble to those that they kept waiting.
    fn is_in_trouble(&self) -> bool {
        self.alone_until.is_some_and(|until| Instant::now() < until)
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
        let queue = queues.entry(self.line).or_default();
        let number = queue.next;
        queue.next += 1;
        queue.waiting.push_back(Waiting { job, tenant: self.tenant, number, answer: sender });
        let starts = queue.needs_task(self.line);
        queue.tasks += usize::from(starts);
        drop(queues);
        let batches = starts.then(|| Batches {
            together: self.together.clone(),
            line: self.line,
            last: Default::default(),
            ended: false,
        });
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
        let Some(queue) = queues.get_mut(&self.line) else { return false };
        let waited = queue.waiting.len();
        queue.waiting.retain(|one| one.number != number);
        queue.waiting.len() < waited
    }
}

impl<J, A> Batches<J, A> {
    /// Takes the next batch: those that wait, but for callers who have gone and for tenants
    /// of which another one is under way. `None` when there is nobody; then the task is over.
    pub fn next(&mut self) -> Option<Vec<Waiting<J, A>>> {
        let mut queues = self.together.queues();
        let queue = queues.entry(self.line).or_default();
        queue.forget(&self.last.1);
        queue.waiting.retain(Waiting::is_there);
        let batch = queue.take(self.line.most_of_batch());
        self.last = (batch.len(), batch.iter().map(|one| one.tenant).collect());
        queue.under_way.extend(&self.last.1);
        if batch.is_empty() {
            queue.tasks -= 1;
            self.ended = true;
            forget_if_gone(&mut queues, self.line);
            return None;
        }
        Some(batch)
    }

    /// The last batch was of no use. One call by itself says nothing of others.
    pub fn was_useless(&self) {
        if self.last.0 > 1
            && let Some(queue) = self.together.queues().get_mut(&self.line)
        {
            queue.alone = ALONE_AFTER_USELESS;
        }
    }
}

impl<J, A> Batches<J, A> {
    /// The last batch failed as a whole, or was slow. Those of one tenant wait for its own
    /// rows, and go on.
    pub fn was_trouble(&self) {
        if self.line == Line::Others
            && let Some(queue) = self.together.queues().get_mut(&self.line)
        {
            queue.alone_until = Some(Instant::now() + ALONE_AFTER_TROUBLE);
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

fn forget_if_gone<J, A>(queues: &mut Queues<J, A>, line: Line) {
    if queues.get(&line).is_some_and(|queue| queue.present == 0 && queue.tasks == 0 && !queue.is_in_trouble())
    {
        queues.remove(&line);
    }
}

impl<J, A> Drop for Present<J, A> {
    fn drop(&mut self) {
        let mut queues = self.together.queues();
        let own = Line::Tenant(self.tenant);
        let others = (self.line == Line::Others).then_some(self.line);
        for line in [Some(own), others].into_iter().flatten() {
            if let Some(queue) = queues.get_mut(&line) {
                queue.present -= 1;
            }
            forget_if_gone(&mut queues, line);
        }
    }
}

/// A task that did not come to its end has panicked.
impl<J, A> Drop for Batches<J, A> {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        let mut queues = self.together.queues();
        if let Some(queue) = queues.get_mut(&self.line) {
            queue.tasks -= 1;
            queue.forget(&self.last.1);
            // Another task takes those who wait.
            if queue.tasks == 0 {
                queue.waiting.clear();
            }
        }
        forget_if_gone(&mut queues, self.line);
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
        Self {
            present: 0,
            tasks: 0,
            alone: 0,
            alone_until: None,
            waiting: VecDeque::new(),
            under_way: HashSet::new(),
            next: 0,
        }
    }
}

#[cfg(test)]
// A test that cannot go on says where.
#[allow(clippy::unwrap_used)]
mod tests;
