//! Places that are given in turn to those who wait for them: connections to a database,
//! cores for hashes, whatever there is less of than of callers.
//!
//! Whose turn it is goes round among those whose calls wait, a tenant, say, or an
//! address, and for each of them in the order in which the calls came. So a flood
//! waits for itself, and everybody else for one call of it. The places of one are
//! limited, which leaves others some while calls hang. How many may wait is bounded, for
//! all and for one, and so is how long; a call that is refused is refused before it was
//! begun. What the process does for itself goes first, and has places that no call takes:
//! it is little, and without it the process counts as broken.

use std::collections::{HashMap, VecDeque};
use std::fmt::Debug;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

use crate::call::time_left;
use crate::telemetry::figures::Count;

/// How many turns there are at once, and how many may wait for one.
#[derive(Debug, Clone, Copy)]
pub struct TurnLimits {
    /// Places.
    pub places: usize,
    /// Of them, those that only the process itself takes.
    pub own: usize,
    /// Most that one has.
    pub of_one: usize,
    /// Most that wait; if several have calls that wait, each has a like share of it.
    pub waiting: usize,
    /// Most that wait of one.
    pub waiting_of_one: usize,
    /// Longest wait.
    pub patience: Duration,
}

/// Whose turn it is. `K` says whose a call is.
#[derive(Debug)]
pub struct Turns<K: Key> {
    shared: Arc<Shared<K>>,
}

/// What tells those apart whose calls wait.
pub trait Key: Copy + Eq + Hash + Debug + Send + 'static {}

impl<K: Copy + Eq + Hash + Debug + Send + 'static> Key for K {}

/// A place, until it is dropped.
#[derive(Debug)]
pub struct Turn<K: Key> {
    shared: Arc<Shared<K>>,
    /// Whose; `None` for the process itself.
    of: Option<K>,
}

/// Why there is no place. Nothing was begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoTurn {
    /// As many of the same wait already as may.
    Crowded {
        /// How many.
        waiting: usize,
    },
    /// None came free in the time for which calls wait.
    Late {
        /// How many others of the same wait.
        waiting: usize,
    },
    /// The time that was given for the call is over.
    OutOfTime,
}

#[derive(Debug)]
struct Shared<K> {
    limits: TurnLimits,
    state: Mutex<State<K>>,
    refused: Count,
}

#[derive(Debug)]
struct State<K> {
    free: usize,
    waiting: usize,
    /// The number of the next one that waits.
    next: u64,
    own: VecDeque<Waiter>,
    /// Those who have a place or wait for one.
    lines: HashMap<K, Line>,
    /// Those who wait, in the order of their turns.
    ring: VecDeque<K>,
}

#[derive(Debug, Default)]
struct Line {
    held: usize,
    waiting: VecDeque<Waiter>,
}

#[derive(Debug)]
struct Waiter {
    number: u64,
    come: oneshot::Sender<()>,
}

/// Somebody who waits, until it is dropped.
struct Waits<'t, K: Key> {
    shared: &'t Arc<Shared<K>>,
    of: Option<K>,
    number: u64,
    came: bool,
}

impl<K: Key> Turns<K> {
    /// Turns within limits; there is one place at least that calls take.
    pub fn new(limits: TurnLimits) -> Self {
        let state = State {
            free: limits.places,
            waiting: 0,
            next: 0,
            own: VecDeque::new(),
            lines: HashMap::new(),
            ring: VecDeque::new(),
        };
        Self { shared: Arc::new(Shared { limits, state: Mutex::new(state), refused: Count::default() }) }
    }

    /// Waits for a place for a call, no longer than the call may take.
    pub async fn turn(&self, of: K) -> Result<Turn<K>, NoTurn> {
        self.wait(Some(of)).await.inspect_err(|_| self.shared.refused.add_one())
    }

    /// Waits for a place for what the process does for itself.
    pub async fn own_turn(&self) -> Result<Turn<K>, NoTurn> {
        self.wait(None).await
    }

    async fn wait(&self, of: Option<K>) -> Result<Turn<K>, NoTurn> {
        let left = time_left();
        if left.is_some_and(|left| left.is_zero()) {
            return Err(NoTurn::OutOfTime);
        }
        let (mut waits, come) = match self.shared.enter(of)? {
            Entered::Has(turn) => return Ok(turn),
            Entered::Waits(waits, come) => (waits, come),
        };
        let patience = self.shared.limits.patience;
        let until = left.map_or(patience, |left| left.min(patience));
        if let Ok(Ok(())) = tokio::time::timeout(until, come).await {
            waits.came = true;
            return Ok(Turn { shared: Arc::clone(&self.shared), of });
        }
        if left.is_some_and(|left| left <= patience) {
            return Err(NoTurn::OutOfTime);
        }
        Err(NoTurn::Late { waiting: self.shared.state().waiting_of(of).saturating_sub(1) })
    }

    /// How many places are taken, and how many calls wait for one.
    pub fn in_use(&self) -> (usize, usize) {
        let state = self.shared.state();
        (self.shared.limits.places - state.free, state.waiting)
    }

    /// How many calls were refused because they would have waited too long, or had.
    pub fn refused(&self) -> u64 {
        self.shared.refused.get()
    }
}

/// What becomes of whoever comes.
enum Entered<'t, K: Key> {
    Has(Turn<K>),
    Waits(Waits<'t, K>, oneshot::Receiver<()>),
}

impl<K: Key> Shared<K> {
    fn state(&self) -> MutexGuard<'_, State<K>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a place, or begins to wait for one.
    fn enter(self: &Arc<Self>, of: Option<K>) -> Result<Entered<'_, K>, NoTurn> {
        let mut state = self.state();
        if state.take(of, &self.limits) {
            return Ok(Entered::Has(Turn { shared: Arc::clone(self), of }));
        }
        if let Some(of) = of {
            let waiting = state.waiting_of(Some(of));
            // Each may have one call that waits, but not any number of them.
            let full = state.waiting >= self.limits.waiting * 2;
            if full || waiting >= state.share(waiting, &self.limits) {
                return Err(NoTurn::Crowded { waiting });
            }
        }
        let (come, comes) = oneshot::channel();
        let number = state.line_up(of, come);
        Ok(Entered::Waits(Waits { shared: self, of, number, came: false }, comes))
    }

    /// A place is free again.
    fn give_back(&self, of: Option<K>) {
        let mut state = self.state();
        state.free += 1;
        if let Some(of) = of
            && let Some(line) = state.lines.get_mut(&of)
        {
            line.held -= 1;
            state.forget_if_gone(of);
        }
        state.give(&self.limits);
    }
}

impl<K: Key> State<K> {
    /// Whether there is a place at once. Whoever waits then has as many as may be.
    fn take(&mut self, of: Option<K>, limits: &TurnLimits) -> bool {
        let Some(of) = of else {
            let has = self.free > 0;
            self.free -= usize::from(has);
            return has;
        };
        if self.free <= limits.own {
            return false;
        }
        let line = self.lines.entry(of).or_default();
        let has = line.held < limits.of_one && line.waiting.is_empty();
        line.held += usize::from(has);
        self.free -= usize::from(has);
        has
    }

    fn waiting_of(&self, of: Option<K>) -> usize {
        match of {
            None => self.own.len(),
            Some(of) => self.lines.get(&of).map_or(0, |line| line.waiting.len()),
        }
    }

    /// How many may wait of one of whom so many wait.
    fn share(&self, waiting: usize, limits: &TurnLimits) -> usize {
        let lines = self.ring.len() + usize::from(waiting == 0);
        (limits.waiting / lines.max(1)).clamp(1, limits.waiting_of_one.max(1))
    }

    fn line_up(&mut self, of: Option<K>, come: oneshot::Sender<()>) -> u64 {
        let waiter = Waiter { number: self.next, come };
        self.next += 1;
        self.waiting += 1;
        let number = waiter.number;
        match of {
            None => self.own.push_back(waiter),
            Some(of) => {
                let line = self.lines.entry(of).or_default();
                if line.waiting.is_empty() {
                    self.ring.push_back(of);
                }
                line.waiting.push_back(waiter);
            }
        }
        number
    }

    /// Gives the places that are free to those who wait.
    fn give(&mut self, limits: &TurnLimits) {
        while self.free > 0 {
            let next = match self.own.pop_front() {
                Some(next) => next,
                None if self.free <= limits.own => return,
                None => match self.next_of_calls(limits) {
                    Some(next) => next,
                    None => return,
                },
            };
            self.waiting -= 1;
            self.free -= 1;
            // To leave takes the lock that is held here, so that somebody is there.
            next.come.send(()).unwrap_or_default();
        }
    }

    /// The call whose turn it is. Those who have as many places as they may are passed
    /// over, and keep their turn.
    fn next_of_calls(&mut self, limits: &TurnLimits) -> Option<Waiter> {
        let may = |of: &K| self.lines.get(of).is_some_and(|line| line.held < limits.of_one);
        let at = self.ring.iter().position(may)?;
        let of = self.ring.remove(at)?;
        let line = self.lines.get_mut(&of)?;
        let next = line.waiting.pop_front();
        line.held += usize::from(next.is_some());
        if !line.waiting.is_empty() {
            self.ring.push_back(of);
        }
        next
    }

    /// Leaves those who wait; false if a place was given meanwhile.
    fn leave(&mut self, of: Option<K>, number: u64) -> bool {
        let line = match of {
            None => &mut self.own,
            Some(of) => match self.lines.get_mut(&of) {
                Some(line) => &mut line.waiting,
                None => return false,
            },
        };
        let Some(at) = line.iter().position(|waiter| waiter.number == number) else { return false };
        line.remove(at);
        self.waiting -= 1;
        if let Some(of) = of
            && line.is_empty()
        {
            self.ring.retain(|one| *one != of);
            self.forget_if_gone(of);
        }
        true
    }

    fn forget_if_gone(&mut self, of: K) {
        if self.lines.get(&of).is_some_and(|line| line.held == 0 && line.waiting.is_empty()) {
            self.lines.remove(&of);
        }
    }
}

impl<K: Key> Clone for Turns<K> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<K: Key> Drop for Turn<K> {
    fn drop(&mut self) {
        self.shared.give_back(self.of);
    }
}

impl<K: Key> Drop for Waits<'_, K> {
    fn drop(&mut self) {
        if self.came {
            return;
        }
        let left = self.shared.state().leave(self.of, self.number);
        if !left {
            self.shared.give_back(self.of);
        }
    }
}

#[cfg(test)]
mod tests;
