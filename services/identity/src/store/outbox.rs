//! Letters that are to be sent.

use jiff::Timestamp;
use pg::{Columns, Fault};

use super::change::Change;
use super::database::{Store, lost_row};
use crate::domain::delivery::{DeadLetter, Outbox, SealedMail, Waiting};
use crate::domain::ids::{MailId, TenantId};

pg::statements! {
    /// Stores a letter, due at once.
    InsertMail<'a> = "insert_mail" (
        id: MailId, kind: &'a str, recipient: &'a str, sealed: &'a [u8], at: Timestamp,
        expires_at: Option<Timestamp>, of_tenant: Option<TenantId>
    );
    /// Takes letters that are due, for a while.
    TakeMail = "take_mail" (now: Timestamp, lease_ends_at: Timestamp, most: i64);
    /// Forgets a letter that was delivered.
    DeleteMail = "delete_mail" (id: MailId);
    /// Puts a letter off, or off for ever.
    DelayMail<'a> = "delay_mail" (
        id: MailId, attempts: i32, due_at: Timestamp, failure: &'a str, dead_at: Option<Timestamp>
    );
    /// How many letters there are, up to so many of each kind.
    CountMail = "count_mail" (most: i64);
    /// Letters that nobody tries to deliver any more.
    ListDeadLetters = "list_dead_letters" ();
    /// Makes a dead letter due again.
    RetryMail = "retry_mail" (id: MailId, now: Timestamp);
    /// Makes every dead letter due again whose link still works.
    RetryAllMail = "retry_all_mail" (now: Timestamp);
    /// Forgets letters that wait, and whose time is over.
    ForgetUnsentMail = "forget_unsent_mail" (before: Timestamp, now: Timestamp);
    /// Some letters.
    ListSealedMail = "list_sealed_mail" (after: MailId, most: i64);
    /// Some letters, locked.
    LockSealedMail = "lock_sealed_mail" (after: MailId, most: i64);
    /// Stores a letter sealed anew.
    ResealMail<'a> = "reseal_mail" (id: MailId, sealed: &'a [u8]);
    /// Forgets dead letters and tokens that are old.
    ForgetMail = "forget_mail" (dead_before: Timestamp, expired_before: Timestamp);
}

/// A letter to store.
#[derive(Debug)]
pub struct NewMail<'change> {
    pub id: MailId,
    pub kind: &'static str,
    pub recipient: &'change str,
    pub sealed: &'change [u8],
    /// Until when its link works, if it has one.
    pub expires_at: Option<Timestamp>,
    /// The tenant whose letter it is, if it is one's.
    pub of_tenant: Option<TenantId>,
}

impl Store {
    /// Takes so many letters that are due at most, until the lease ends.
    pub async fn take_mail(
        &self,
        now: Timestamp,
        lease_ends_at: Timestamp,
        most: i64,
    ) -> Result<Vec<Waiting>, Fault> {
        Columns::all(&self.run(&TakeMail { now, lease_ends_at, most }).await?, |row| {
            Ok(Waiting {
                id: row.next("id")?,
                kind: row.next("kind")?,
                recipient: row.next("recipient")?,
                sealed: row.next("sealed")?,
                created_at: row.next("created_at")?,
                expires_at: row.next("expires_at")?,
                attempts: row.next("attempts")?,
            })
        })
    }

    pub async fn delete_mail(&self, id: MailId) -> Result<(), Fault> {
        self.run(&DeleteMail { id }).await.map(drop)
    }

    /// Puts off a letter that was taken; with `dead_at` for ever.
    pub async fn delay_mail(
        &self,
        taken: &Waiting,
        due_at: Timestamp,
        failure: &str,
        dead_at: Option<Timestamp>,
    ) -> Result<(), Fault> {
        let Waiting { id, attempts, .. } = *taken;
        self.run(&DelayMail { id, attempts, due_at, failure, dead_at }).await.map(drop)
    }

    /// How much is in the outbox, up to so many letters of each kind.
    pub async fn count_mail(&self, most: i64) -> Result<Outbox, Fault> {
        let rows = self.run(&CountMail { most }).await?;
        let counted = Columns::first(&rows, |row| {
            Ok(Outbox {
                waiting: row.next("waiting")?,
                oldest_at: row.next("oldest_at")?,
                dead: row.next("dead")?,
            })
        })?;
        counted.ok_or_else(|| lost_row("a count of letters"))
    }

    /// The newest dead letters.
    pub async fn list_dead_letters(&self) -> Result<Vec<DeadLetter>, Fault> {
        Columns::all(&self.run(&ListDeadLetters {}).await?, |row| {
            Ok(DeadLetter {
                id: row.next("id")?,
                kind: row.next("kind")?,
                recipient: row.next("recipient")?,
                created_at: row.next("created_at")?,
                attempts: row.next("attempts")?,
                failure: row.next("failure")?,
                dead_at: row.next("dead_at")?,
            })
        })
    }

    /// Whether there was such a dead letter, which is due again.
    pub async fn retry_mail(&self, id: MailId, now: Timestamp) -> Result<bool, Fault> {
        Ok(!self.run(&RetryMail { id, now }).await?.is_empty())
    }

    /// How many dead letters are due again: those whose link still works.
    pub async fn retry_all_mail(&self, now: Timestamp) -> Result<i64, Fault> {
        let rows = self.run(&RetryAllMail { now }).await?;
        Columns::first(&rows, |row| row.next("retried"))?.ok_or_else(|| lost_row("a count of letters"))
    }

    /// Forgets letters that wait and were written before a time, or whose link is over.
    pub async fn forget_unsent_mail(&self, before: Timestamp, now: Timestamp) -> Result<(), Fault> {
        self.run(&ForgetUnsentMail { before, now }).await.map(drop)
    }

    /// Letters after one, at most so many.
    pub async fn list_sealed_mail(&self, after: MailId, most: i64) -> Result<Vec<SealedMail>, Fault> {
        Columns::all(&self.run(&ListSealedMail { after, most }).await?, sealed_mail)
    }

    /// Forgets letters that died, and tokens that expired, before a time.
    pub async fn forget_mail(&self, dead_before: Timestamp, expired_before: Timestamp) -> Result<(), Fault> {
        self.run(&ForgetMail { dead_before, expired_before }).await.map(drop)
    }
}

impl Change {
    /// Stores a letter.
    pub async fn insert_mail(&self, letter: &NewMail<'_>) -> Result<(), Fault> {
        let NewMail { id, kind, recipient, sealed, expires_at, of_tenant } = *letter;
        let insert = InsertMail { id, kind, recipient, sealed, at: self.at(), expires_at, of_tenant };
        self.query(&insert).await.map(drop)
    }

    pub async fn delete_mail(&self, id: MailId) -> Result<(), Fault> {
        self.query(&DeleteMail { id }).await.map(drop)
    }

    pub async fn lock_sealed_mail(&self, after: MailId, most: i64) -> Result<Vec<SealedMail>, Fault> {
        Columns::all(&self.query(&LockSealedMail { after, most }).await?, sealed_mail)
    }

    pub async fn reseal_mail(&self, id: MailId, sealed: &[u8]) -> Result<(), Fault> {
        self.query(&ResealMail { id, sealed }).await.map(drop)
    }
}

fn sealed_mail(row: &mut Columns<'_>) -> Result<SealedMail, Fault> {
    Ok(SealedMail { id: row.next("id")?, sealed: row.next("sealed")?, is_needed: row.next("is_needed")? })
}
