//! Statements about idempotency keys.

use jiff::{SignedDuration, Timestamp};
use pg::Fault;
use uuid::Uuid;

use super::database::{SWEEPER, Store};

/// How long an answer is kept.
pub const KEYS_KEPT: SignedDuration = SignedDuration::from_hours(24);

pg::statements! {
    /// Claims a key that is free or old.
    ClaimKey<'a> = "claim_key" (tenant: Uuid, key: &'a str, request_hash: &'a [u8], at: Timestamp, old: Timestamp);
    /// What a key was used for, and the answer.
    GetKey<'a> = "get_key" (tenant: Uuid, key: &'a str);
    /// Stores the answer of a claimed key.
    AnswerKey<'a> = "answer_key" (tenant: Uuid, key: &'a str, answer: &'a [u8]);
    /// Forgets keys of all tenants.
    DeleteOldKeys = "delete_old_keys" (old: Timestamp);
}

impl Store {
    /// Forgets answers that are no longer kept.
    pub async fn delete_old_keys(&self, at: Timestamp) -> Result<(), Fault> {
        let old = at - KEYS_KEPT;
        self.read(async |schema| {
            schema.db.begin_as(SWEEPER).await?.run_last(&DeleteOldKeys { old }).await.map(drop)
        })
        .await
    }
}
