//! Statements about idempotency keys.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use pg::{Columns, Fault};
use tokio_postgres::Row;
use uuid::Uuid;

use super::database::Store;
use crate::call::Key;
use crate::error::{Error, Reason, Refusal};
use crate::layout::SWEEPER;

/// How long an answer is kept.
pub const KEYS_KEPT: SignedDuration = SignedDuration::from_hours(24);

pg::statements! {
    /// Claims a key that is free or old.
    ClaimKey<'a> = "claim_key" (tenant: Uuid, key: &'a str, request_hash: &'a [u8], at: Timestamp, old: Timestamp);
    /// What a key was used for, and the answer.
    GetKey<'a> = "get_key" (tenant: Uuid, key: &'a str);
    /// Stores the answer of a claimed key.
    AnswerKey<'a> = "answer_key" (tenant: Uuid, key: &'a str, answer: &'a [u8]);
    /// Forgets the oldest keys of all tenants.
    DeleteOldKeys = "delete_old_keys" (old: Timestamp);
}

impl Store {
    /// Forgets answers that are no longer kept, the oldest first; whether there may be more.
    pub async fn delete_old_keys(&self, at: Timestamp) -> Result<bool, Fault> {
        let old = at - KEYS_KEPT;
        self.read(async |schema| {
            let rows = schema.db.begin_as(SWEEPER).await?.run_last(&DeleteOldKeys { old }).await?;
            Ok(!rows.is_empty())
        })
        .await
    }
}

/// The stored answer of a key that somebody has claimed.
pub(super) fn answered(rows: &[Row], key: &Key) -> Result<Vec<u8>, Error> {
    let Some(row) = rows.first() else { return Err(key_in_use()) };
    let mut row = Columns::of(row);
    if !key.is_for(row.next("request_hash")?) {
        return Err(Refusal::new(
            Reason::IdempotencyKeyReused,
            "The Idempotency-Key was used for another call in the last 24 hours. Nothing was stored: send a new key with a new call.",
        )
        .into());
    }
    row.next::<Option<Vec<u8>>>("answer")?.ok_or_else(key_in_use)
}

pub(super) fn key_in_use() -> Error {
    Refusal::new(
        Reason::IdempotencyKeyInUse,
        "A call with this Idempotency-Key is still under way. Try again to get its answer.",
    )
    .retry_after(Duration::from_secs(1))
    .into()
}
