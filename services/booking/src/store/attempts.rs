//! The only place where anything is tried again: after contention, in the layout
//! that the database has by then, or because an attempt could not decide.
//! How often is for `pg` to say; all reasons together are three transactions for a
//! call at most.

use std::sync::{Arc, Mutex, PoisonError};

use pg::{Fault, HasFault, Kind, retrying_after};

use super::database::{Schema, Store};

/// What came before the first attempt that is made alone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Before {
    /// Transactions that were begun for the call.
    pub transactions: u32,
    /// Whether what surrounds the record has to be looked at.
    pub needs_locks: bool,
}

/// How an attempt at anything ended.
pub(super) enum Ended<T, E> {
    Done(T),
    /// What to answer when no attempt is left; contention, unless there is more to say.
    NeedsLocks(Option<E>),
}

/// How an attempt is made.
#[derive(Clone)]
struct Mode {
    schema: Arc<Schema>,
    /// Whether what surrounds the record is read with locks: the attempt before could
    /// not be decided.
    with_locks: bool,
}

/// An attempt that failed.
enum Failed<E> {
    /// As it was made; the next one is made in another mode.
    Repeatable(E),
    /// However it is made.
    Final(E),
}

impl Store {
    /// Tries something, and again where that can help: after contention, in the
    /// layout that the database has by then, or with locks. All of these together are
    /// three transactions at most. What drifted is named as readiness names it.
    pub(super) async fn attempts<T, E, W>(&self, attempt: impl Fn(Arc<Schema>, bool) -> W) -> Result<T, E>
    where
        E: HasFault + From<Fault>,
        W: Future<Output = Result<Ended<T, E>, E>>,
    {
        self.attempts_after(Before::default(), attempt).await
    }

    /// The same for what was tried before.
    pub(super) async fn attempts_after<T, E, W>(
        &self,
        before: Before,
        attempt: impl Fn(Arc<Schema>, bool) -> W,
    ) -> Result<T, E>
    where
        E: HasFault + From<Fault>,
        W: Future<Output = Result<Ended<T, E>, E>>,
    {
        let mode = Mutex::new(Mode { schema: self.schema().await?, with_locks: before.needs_locks });
        let result = retrying_after(before.transactions, async || {
            let Mode { schema, with_locks } = mode.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let next = |schema, with_locks| {
                *mode.lock().unwrap_or_else(PoisonError::into_inner) = Mode { schema, with_locks };
            };
            match attempt(Arc::clone(&schema), with_locks).await {
                Ok(Ended::Done(done)) => Ok(done),
                Ok(Ended::NeedsLocks(because)) => {
                    next(schema, true);
                    let changing = || Fault::new(Kind::Contention, "what surrounds the record kept changing");
                    Err(Failed::Repeatable(because.unwrap_or_else(|| changing().into())))
                }
                Err(error) if error.fault().is_some_and(is_drift) => match self.look_at_schema().await {
                    Ok(now) if !now.found.same_statements(&schema.found) => {
                        next(now, with_locks);
                        Err(Failed::Repeatable(error))
                    }
                    Ok(now) => Err(Failed::Final(named(error, &now))),
                    Err(_) => Err(Failed::Final(error)),
                },
                Err(error) => Err(Failed::Final(error)),
            }
        });
        result.await.map_err(|(Failed::Repeatable(error) | Failed::Final(error))| error)
    }

    /// Reads, and again where that can help.
    pub(super) async fn read<T, W>(&self, work: impl Fn(Arc<Schema>) -> W) -> Result<T, Fault>
    where
        W: Future<Output = Result<T, Fault>>,
    {
        self.attempts(|schema, _| {
            let read = work(schema);
            async { Ok::<_, Fault>(Ended::<T, Fault>::Done(read.await?)) }
        })
        .await
    }
}

impl<E: HasFault> HasFault for Failed<E> {
    fn fault(&self) -> Option<&Fault> {
        let (Self::Repeatable(error) | Self::Final(error)) = self;
        error.fault()
    }

    fn needs_another_attempt(&self) -> bool {
        matches!(self, Self::Repeatable(_))
    }
}

fn is_drift(fault: &Fault) -> bool {
    matches!(fault.kind(), Kind::SchemaDrift { .. } | Kind::NoRight { .. })
}

/// The drift as readiness names it, if it is known there.
fn named<E: HasFault + From<Fault>>(error: E, schema: &Schema) -> E {
    let problem = error
        .fault()
        .and_then(|fault| Some(Fault::new(schema.found.problem_behind(fault)?.kind(), fault.to_string())));
    problem.map_or(error, E::from)
}

#[cfg(test)]
mod tests;
