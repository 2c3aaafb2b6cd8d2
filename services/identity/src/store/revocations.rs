//! Marks of what was revoked. Triggers write them (`migrations/identity/V3__revocation_marks.sql`),
//! so no change does; here they are read and forgotten.

use pg::{Columns, Fault, Listener};

use super::database::{Store, lost_row};
use crate::domain::revocation::{Mark, MarkKind, MarksAfter, OwnMark};

/// Where the triggers say that there are new marks.
const CHANNEL: &str = "frontdesk_identity_revocations";

pg::statements! {
    /// The marks after a position, and how far there are any.
    ReadRevocations = "read_revocations" (after: i64);
    /// The marks of the transaction under way.
    ListOwnMarks = "list_own_marks" ();
    /// Forgets marks that nobody needs any more.
    ForgetRevocations = "forget_revocations" ();
    /// What marks are made with: as it is kept, or this from now on.
    KeepMarksKey<'a> = "keep_marks_key" (key: &'a [u8]);
    /// What marks are made with, if it is kept.
    GetMarksKey = "get_marks_key" ();
    /// The signing keys that are trusted no more.
    ListRevokedSigningKeys = "list_revoked_signing_keys" ();
}

/// Most marks of a transaction of which it is known what they are about.
const MOST_OWN: usize = 1_000;

/// What a transaction has marked that is stored by now. Of a mark that cannot be read it is not
/// known what it is about, nor of very many.
pub(super) fn own_marks(rows: &[tokio_postgres::Row]) -> Vec<OwnMark> {
    let unknown = || vec![OwnMark { kind: None, subject: String::new() }];
    if rows.len() > MOST_OWN {
        return unknown();
    }
    let read = Columns::all(rows, |row| {
        let kind: String = row.next("kind")?;
        Ok(OwnMark { kind: MarkKind::from_word(&kind), subject: row.next("subject")? })
    });
    read.unwrap_or_else(|_| unknown())
}

impl Store {
    /// The marks after a position, in the order of their commits.
    pub async fn read_revocations(&self, after: i64) -> Result<MarksAfter, Fault> {
        let mut found = MarksAfter::default();
        for row in self.run(&ReadRevocations { after }).await? {
            let mark = Columns::first(&[row], |row| {
                found.head = row.next("head")?;
                found.forgotten = row.next("forgotten")?;
                found.epoch = row.next("epoch")?;
                let position: Option<i64> = row.next("position")?;
                let kind: Option<String> = row.next("kind")?;
                let subject: Option<String> = row.next("subject")?;
                Ok(position.zip(kind.zip(subject)))
            })?;
            if let Some((position, (kind, subject))) = mark.flatten() {
                found.marks.push(Mark { position, kind: MarkKind::from_word(&kind), subject });
            }
        }
        Ok(found)
    }

    /// What marks are made with: the first key that was to be kept.
    pub async fn keep_marks_key(&self, key: &[u8]) -> Result<Vec<u8>, Fault> {
        // A database that takes no changes has it mostly.
        let kept = Columns::first(&self.run(&GetMarksKey {}).await?, |row| row.next("marks_key"))?;
        if let Some(kept) = kept.flatten() {
            return Ok(kept);
        }
        let kept = Columns::first(&self.run(&KeepMarksKey { key }).await?, |row| row.next("marks_key"))?;
        kept.ok_or_else(|| lost_row("the head of the marks"))
    }

    pub async fn forget_revocations(&self) -> Result<(), Fault> {
        self.run(&ForgetRevocations {}).await.map(drop)
    }

    pub async fn list_revoked_signing_keys(&self) -> Result<Vec<String>, Fault> {
        Columns::all(&self.run(&ListRevokedSigningKeys {}).await?, |row| row.next("kid"))
    }

    /// Hears when there are new marks.
    pub async fn hear_revocations(&self) -> Result<Listener, Fault> {
        self.listen(CHANNEL).await
    }
}
