//! The only place where anything is tried again: after contention, in the layout
//! that the database has meanwhile, or because an attempt has not told enough.
//! How often is for `pg` to say; all reasons together are three transactions for a
//! call at most.

use std::sync::{Arc, Mutex, PoisonError};

use pg::{Fault, HasFault, Kind, retrying};

use super::database::{Schema, Store};

/// How an attempt at anything ended.
pub(super) enum Tried<T, E> {
    Done(T),
    /// What to answer when no attempt is left; contention, unless there is more to say.
    LookAgain(Option<E>),
}

/// How the next attempt is made.
#[derive(Clone)]
struct Way {
    schema: Arc<Schema>,
    /// Whether the one before has not told enough.
    again: bool,
}

/// An attempt that failed.
enum Failed<E> {
    /// In the way in which it was made; the next one is made in another way.
    InThisWay(E),
    /// In whatever way it is made.
    Whatever(E),
}

impl Store {
    /// Tries something, and again where that can help: after contention, in the
    /// layout that the database has meanwhile, or looking closer. All of these together
    /// are three transactions at most. What drifted is named as readiness names it.
    pub(super) async fn attempts<T, E, W>(&self, attempt: impl Fn(Arc<Schema>, bool) -> W) -> Result<T, E>
    where
        E: HasFault + From<Fault>,
        W: Future<Output = Result<Tried<T, E>, E>>,
    {
        let way = Mutex::new(Way { schema: self.schema().await?, again: false });
        let made = retrying(async || {
            let Way { schema, again } = way.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let next = |schema, again| {
                *way.lock().unwrap_or_else(PoisonError::into_inner) = Way { schema, again };
            };
            match attempt(Arc::clone(&schema), again).await {
                Ok(Tried::Done(done)) => Ok(done),
                Ok(Tried::LookAgain(because)) => {
                    next(schema, true);
                    let changing = || Fault::new(Kind::Contention, "what surrounds the record kept changing");
                    Err(Failed::InThisWay(because.unwrap_or_else(|| changing().into())))
                }
                Err(error) if error.fault().is_some_and(is_drift) => match self.look_at_schema().await {
                    Ok(now) if !now.found.same_statements(&schema.found) => {
                        next(now, again);
                        Err(Failed::InThisWay(error))
                    }
                    Ok(now) => Err(Failed::Whatever(named(error, &now))),
                    Err(_) => Err(Failed::Whatever(error)),
                },
                Err(error) => Err(Failed::Whatever(error)),
            }
        });
        made.await.map_err(|(Failed::InThisWay(error) | Failed::Whatever(error))| error)
    }

    /// Reads, and again where that can help.
    pub(super) async fn read<T, W>(&self, work: impl Fn(Arc<Schema>) -> W) -> Result<T, Fault>
    where
        W: Future<Output = Result<T, Fault>>,
    {
        self.attempts(|schema, _| {
            let read = work(schema);
            async { Ok::<_, Fault>(Tried::<T, Fault>::Done(read.await?)) }
        })
        .await
    }
}

impl<E: HasFault> HasFault for Failed<E> {
    fn fault(&self) -> Option<&Fault> {
        let (Self::InThisWay(error) | Self::Whatever(error)) = self;
        error.fault()
    }

    fn looks_again(&self) -> bool {
        matches!(self, Self::InThisWay(_))
    }
}

fn is_drift(fault: &Fault) -> bool {
    matches!(fault.kind(), Kind::SchemaDrift { .. })
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
