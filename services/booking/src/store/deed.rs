//! One change: a transaction, and with an idempotency key the answer that is
//! stored in it.

use std::sync::Arc;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest;
use jiff::{SignedDuration, Timestamp};
use pg::{Fault, Kind, Tx, column};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::{Act, Schema, Store};
use crate::error::Error;

/// How long an answer is kept.
pub const KEYS_KEPT: SignedDuration = SignedDuration::from_hours(24);

/// An idempotency key with what it is used for.
#[derive(Debug, Clone)]
pub struct Key {
    text: String,
    hash: Vec<u8>,
}

/// How a change begins.
// It is matched where it is made and never kept.
#[allow(clippy::large_enum_variant)]
#[derive(Debug)]
pub enum Begun<A> {
    /// It is to be made.
    Fresh(Deed),
    /// It was made before, with this answer.
    Answered(A),
}

/// A change under way. Dropping it undoes it.
#[derive(Debug)]
pub struct Deed {
    pub tx: Tx,
    pub act: Act,
    pub schema: Arc<Schema>,
    store: Store,
    claimed: Option<Key>,
    /// Whether something was written that the last statement must not commit
    /// when it gives no row.
    pub(super) wrote: bool,
}

impl Key {
    /// A key for one method and request.
    pub fn new(text: String, method: &str, request: &[u8]) -> Self {
        let mut hash = digest::Context::new(&digest::SHA256);
        hash.update(method.as_bytes());
        hash.update(&[0]);
        hash.update(request);
        Self { text, hash: hash.finish().as_ref().to_vec() }
    }
}

impl Store {
    /// Begins a change; claims the key first. A stored answer is in wire format.
    pub async fn begin(
        &self,
        schema: &Arc<Schema>,
        act: Act,
        key: Option<&Key>,
    ) -> Result<Begun<Vec<u8>>, Error> {
        let tx = self.db.begin(act.tenant.uuid()).await?;
        if let Some(key) = key {
            let tenant = act.tenant.uuid();
            let old = act.at - KEYS_KEPT;
            let params: [&(dyn ToSql + Sync); 5] = [&tenant, &key.text, &key.hash, &act.at, &old];
            let claimed = match tx.query(&schema.statements.claim_key, &params).await {
                Err(fault) if *fault.kind() == Kind::LockTimeout => return Err(Error::KeyInUse),
                result => result?,
            };
            if claimed.is_empty() {
                let stored = tx.query_opt(&schema.statements.get_key, &[&tenant, &key.text]).await?;
                tx.commit().await?;
                return answered(stored, key);
            }
        }
        let (store, schema) = (self.clone(), Arc::clone(schema));
        Ok(Begun::Fresh(Deed { tx, act, schema, store, claimed: key.cloned(), wrote: false }))
    }
}

fn answered(stored: Option<Row>, key: &Key) -> Result<Begun<Vec<u8>>, Error> {
    let Some(row) = stored else { return Err(Error::KeyInUse) };
    let hash: Vec<u8> = column(&row, "request_hash")?;
    if verify_slices_are_equal(&hash, &key.hash).is_err() {
        return Err(Error::KeyReused);
    }
    match column::<Option<Vec<u8>>>(&row, "answer")? {
        Some(answer) => Ok(Begun::Answered(answer)),
        None => Err(Error::KeyInUse),
    }
}

impl Deed {
    /// Now that a row is locked, the act is later than the row's last change,
    /// however long the lock took and whatever other servers' clocks say: so
    /// histories are in the order in which things happened.
    pub(super) fn comes_after(&mut self, last_change: Timestamp) {
        let step = SignedDuration::from_micros(1);
        let now = Timestamp::now();
        // As the database keeps it.
        let now = Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now);
        self.act.at = now.max(last_change.checked_add(step).unwrap_or(last_change));
    }

    /// Runs the last statement and commits. Without a row, nothing is stored.
    pub async fn finish(
        self,
        sql: &str,
        params: &[&(dyn ToSql + Sync)],
        answer: impl FnOnce() -> Vec<u8>,
    ) -> Result<Vec<Row>, Fault> {
        self.finish_with(sql, params, |rows| if rows.is_empty() { None } else { Some(answer()) }).await
    }

    /// As [`Self::finish`], with an answer made of the rows; `None` for no rows.
    pub async fn finish_with(
        self,
        sql: &str,
        params: &[&(dyn ToSql + Sync)],
        answer: impl FnOnce(&[Row]) -> Option<Vec<u8>>,
    ) -> Result<Vec<Row>, Fault> {
        if self.claimed.is_none() && !self.wrote {
            // The last statement is the only one, and without a row it has changed nothing.
            let rows = self.tx.commit_with(sql, params).await?;
            self.store.wake.notify_waiters();
            return Ok(rows);
        }
        let rows = self.tx.query(sql, params).await?;
        let Some(answer) = answer(&rows) else { return Ok(rows) };
        match &self.claimed {
            None => self.tx.commit().await?,
            Some(key) => {
                let params: [&(dyn ToSql + Sync); 3] = [&self.act.tenant.uuid(), &key.text, &answer];
                self.tx.commit_with(&self.schema.statements.answer_key, &params).await?;
            }
        }
        self.store.wake.notify_waiters();
        Ok(rows)
    }

    /// Commits a change that turned out to have been made before.
    pub async fn settle(self, answer: impl FnOnce() -> Vec<u8>) -> Result<(), Fault> {
        match &self.claimed {
            None => self.tx.commit().await,
            Some(key) => {
                let params: [&(dyn ToSql + Sync); 3] = [&self.act.tenant.uuid(), &key.text, &answer()];
                self.tx.commit_with(&self.schema.statements.answer_key, &params).await.map(drop)
            }
        }
    }
}
