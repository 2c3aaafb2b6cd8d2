//! Reads of single rows that go together: while a statement of a tenant is under way, those of
//! its calls that read a row by its id wait for it, and are the next statement, which Postgres
//! begins, plans and ends once for all of them. Nothing waits for a clock, and a call that finds
//! none under way goes at once, and alone. What is read is not known here.
//!
//! A call that comes is read by a statement that begins after it, so it sees what was stored
//! before it, as it would alone. A statement is of one tenant. It is run by a task of its own:
//! a caller who goes away takes nobody along, and keeps nobody waiting. Whatever is not as it
//! should be (a failure, a row that cannot be read, a statement that takes long) sends each
//! call on its own way.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use boot::{Count, Scrape};
use pg::Fault;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use uuid::Uuid;

/// Most rows of a statement.
const MOST_TOGETHER: usize = 64;
/// Most calls of a tenant that wait here; who comes then goes alone, and is refused there if too
/// many wait.
const MOST_WAITING: usize = 128;
/// How long a call waits here before it goes alone. Statements take a hundredth of it: one that
/// has not come back has met a lock or a connection that says nothing.
const PATIENCE: Duration = Duration::from_millis(100);

/// The reads of all tenants of one kind of row, by its id.
#[derive(Debug)]
pub(super) struct Reads<K, V> {
    lines: Arc<Mutex<HashMap<Uuid, Line<K, V>>>>,
    counts: Arc<Counts>,
}

/// How calls were answered.
#[derive(Debug, Default)]
struct Counts {
    alone: Count,
    together: Count,
}

/// Who waits while a statement of a tenant is under way; there is none otherwise.
type Line<K, V> = Vec<Waiting<K, V>>;

#[derive(Debug)]
struct Waiting<K, V> {
    id: K,
    answer: oneshot::Sender<Option<V>>,
}

/// What a call does that has come.
#[derive(Debug)]
enum Place<K, V> {
    /// It goes alone, and others wait for it.
    First(UnderWay<K, V>),
    /// It waits for the next statement.
    Next(oneshot::Receiver<Option<V>>),
    /// It goes alone, beside the others.
    Beside,
}

/// A statement under way, until it is dropped. Those who wait go alone then, unless somebody
/// takes them before.
#[derive(Debug)]
struct UnderWay<K, V> {
    reads: Reads<K, V>,
    tenant: Uuid,
    is_over: bool,
}

/// How rows are read.
pub(super) trait Rows<K, V>: Clone + Send + Sync + 'static {
    /// The one of an id, if it is there.
    fn read_row(&self, tenant: Uuid, id: K) -> impl Future<Output = Result<Option<V>, Fault>> + Send;

    /// Those of some ids that are there; nothing if any cannot be read.
    fn read_rows(&self, tenant: Uuid, ids: Vec<K>) -> impl Future<Output = Option<HashMap<K, V>>> + Send;
}

impl<K, V> Reads<K, V>
where
    K: Copy + Eq + Hash + Send + 'static,
    V: Clone + Send + 'static,
{
    /// Reads a row, alone or with others.
    pub(super) async fn read(
        &self,
        (tenant, id): (Uuid, K),
        rows: &impl Rows<K, V>,
    ) -> Result<Option<V>, Fault> {
        let next = match self.come(tenant, id) {
            Place::First(under_way) => Some(Next { under_way: Some(under_way), rows: rows.clone() }),
            Place::Next(answer) => {
                if let Ok(Ok(read)) = tokio::time::timeout(PATIENCE, answer).await {
                    self.counts.together.add_one();
                    return Ok(read);
                }
                None
            }
            Place::Beside => None,
        };
        self.counts.alone.add_one();
        let read = rows.read_row(tenant, id).await;
        // Those who have come meanwhile.
        drop(next);
        read
    }

    fn come(&self, tenant: Uuid, id: K) -> Place<K, V> {
        let mut lines = self.lines();
        let Some(line) = lines.get_mut(&tenant) else {
            lines.insert(tenant, Vec::new());
            return Place::First(UnderWay { reads: self.clone(), tenant, is_over: false });
        };
        if line.len() >= MOST_WAITING {
            line.retain(Waiting::is_there);
        }
        if line.len() >= MOST_WAITING {
            return Place::Beside;
        }
        let (sender, answer) = oneshot::channel();
        line.push(Waiting { id, answer: sender });
        Place::Next(answer)
    }
}

impl<K, V> Reads<K, V> {
    /// How calls were answered.
    pub(super) fn figures(&self, scrape: &mut Scrape) {
        let help = "Requests that were read by their ids, each by a statement or several by one.";
        for (how, count) in [("alone", &self.counts.alone), ("together", &self.counts.together)] {
            scrape.count("frontdesk_requests_read_total", help, &[("how", how)], count.get());
        }
    }

    fn lines(&self) -> MutexGuard<'_, HashMap<Uuid, Line<K, V>>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lets those who wait be read when the first of them is over, or has gone away.
struct Next<K, V, R>
where
    K: Copy + Eq + Hash + Send + 'static,
    V: Clone + Send + 'static,
    R: Rows<K, V>,
{
    under_way: Option<UnderWay<K, V>>,
    rows: R,
}

impl<K, V, R> Drop for Next<K, V, R>
where
    K: Copy + Eq + Hash + Send + 'static,
    V: Clone + Send + 'static,
    R: Rows<K, V>,
{
    fn drop(&mut self) {
        let Some(mut under_way) = self.under_way.take() else { return };
        let batch = under_way.take();
        if batch.is_empty() {
            return;
        }
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(read_on(under_way, batch, self.rows.clone()));
        }
    }
}

/// Reads those who wait, together, until nobody does.
async fn read_on<K, V, R>(mut under_way: UnderWay<K, V>, mut batch: Line<K, V>, rows: R)
where
    K: Copy + Eq + Hash + Send + 'static,
    V: Clone + Send + 'static,
    R: Rows<K, V>,
{
    while !batch.is_empty() {
        let mut ids: Vec<K> = batch.iter().map(|one| one.id).collect();
        let mut seen = HashSet::new();
        ids.retain(|id| seen.insert(*id));
        if let Some(found) = rows.read_rows(under_way.tenant, ids).await {
            for Waiting { id, answer } in batch {
                // Whose caller may be gone.
                drop(answer.send(found.get(&id).cloned()));
            }
        }
        batch = under_way.take();
    }
}

impl<K, V> Waiting<K, V> {
    /// Whether the caller is still there.
    fn is_there(&self) -> bool {
        !self.answer.is_closed()
    }
}

impl<K, V> UnderWay<K, V> {
    /// Takes the next of those who wait and are still there. With none the statement is over,
    /// and who comes next goes first.
    fn take(&mut self) -> Line<K, V> {
        let mut lines = self.reads.lines();
        let Some(line) = lines.get_mut(&self.tenant) else { return Vec::new() };
        line.retain(Waiting::is_there);
        let some = line.len().min(MOST_TOGETHER);
        let batch: Line<K, V> = line.drain(..some).collect();
        if batch.is_empty() {
            lines.remove(&self.tenant);
            self.is_over = true;
        }
        batch
    }
}

impl<K, V> Drop for UnderWay<K, V> {
    fn drop(&mut self) {
        if !self.is_over {
            self.reads.lines().remove(&self.tenant);
        }
    }
}

impl<K, V> Clone for Reads<K, V> {
    fn clone(&self) -> Self {
        Self { lines: Arc::clone(&self.lines), counts: Arc::clone(&self.counts) }
    }
}

impl<K, V> Default for Reads<K, V> {
    fn default() -> Self {
        Self { lines: Arc::default(), counts: Arc::default() }
    }
}

#[cfg(test)]
// A test that cannot go on says where.
#[allow(clippy::unwrap_used)]
mod tests;
