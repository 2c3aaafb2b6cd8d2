//! One change under way: a transaction, its time, and the event that is its last
//! word. What a change consists of is decided by `changes`.
//!
//! What a change has marked as revoked, by whatever trigger, comes with its commit, and is void
//! in this process before anybody is told that the change is made.
//!
//! A change that ends otherwise than by [`Change::finish`] or one of its like is
//! rolled back. The one loop that tries a transaction again is [`Change::run`], so
//! a call makes three transactions at most.

use jiff::Timestamp;
use pg::{Fault, Query, Tx, retrying};
use tokio_postgres::Row;
use uuid::Uuid;

use super::audit::InsertAuditEvent;
use super::database::Store;
use super::revocations::{ListOwnMarks, own_marks};
use crate::actor::AuditEvent;
use crate::domain::ids::AuditEventId;
use crate::error::Error;

/// A change under way.
#[derive(Debug)]
pub struct Change {
    tx: Tx,
    at: Timestamp,
    store: Store,
}

impl Change {
    /// Makes a change, and makes it again, decisions included, where another
    /// transaction got in the way and nothing was stored.
    pub async fn run<T, F, W>(store: &Store, work: F) -> Result<T, Error>
    where
        F: Fn(Self) -> W,
        W: Future<Output = Result<T, Error>>,
    {
        let made = retrying(|| async {
            let tx = store.begin().await?;
            work(Self { tx, at: Timestamp::now(), store: store.clone() }).await
        });
        match made.await {
            Err(Error::Database(fault)) => Err(Box::pin(store.named(fault)).await.into()),
            made => made,
        }
    }

    /// When this attempt began: the time of everything that it stores.
    pub fn at(&self) -> Timestamp {
        self.at
    }

    /// An id for something new; each attempt makes its own.
    pub fn new_id() -> Uuid {
        Uuid::now_v7()
    }

    /// Writes the event and commits, in one round trip.
    pub async fn finish(self, event: AuditEvent<'_>) -> Result<(), Fault> {
        let address = event.context.address_text();
        let insert = InsertAuditEvent::of(&event, AuditEventId(Self::new_id()), &address, self.at);
        self.finish_with(&insert).await.map(drop)
    }

    /// Writes an event beside the last one.
    pub async fn note(&self, event: &AuditEvent<'_>) -> Result<(), Fault> {
        let address = event.context.address_text();
        let insert = InsertAuditEvent::of(event, AuditEventId(Self::new_id()), &address, self.at);
        self.query(&insert).await.map(drop)
    }

    /// Commits what turned out to have been done before.
    pub async fn settle(self) -> Result<(), Fault> {
        let marks = self.tx.run_last(&ListOwnMarks {}).await?;
        self.store.tell_own_marks(own_marks(&marks));
        Ok(())
    }

    pub(super) async fn query(&self, query: &dyn Query) -> Result<Vec<Row>, Fault> {
        self.tx.run(query).await
    }

    /// Runs a last statement that is its own record, and commits.
    pub(super) async fn finish_with(self, query: &dyn Query) -> Result<Vec<Row>, Fault> {
        let (rows, marks) = self.tx.run_both_last(query, &ListOwnMarks {}).await?;
        self.store.tell_own_marks(own_marks(&marks));
        Ok(rows)
    }
}

impl Store {
    /// Records something that changed nothing else.
    pub async fn record(&self, event: AuditEvent<'_>) -> Result<(), Error> {
        Change::run(self, async |change| Ok(change.finish(event.clone()).await?)).await
    }
}
