//! Passkeys: what is known of the factors that are one.

use jiff::Timestamp;
use pg::{Columns, Fault};

use super::change::Change;
use super::database::Store;
use crate::domain::factor::Passkey;
use crate::domain::ids::{FactorId, UserId};

/// What [`passkey`] reads.
pub(super) const COLUMNS: &str = "p.factor_id, p.user_id, p.credential, p.public_key, p.sign_count, p.backup_eligible, p.backed_up, p.transports, p.asked_at, p.alone_from";

pg::statements! {
    /// Stores a passkey, unless there is one with its id for browsers.
    InsertPasskey<'a> = "insert_passkey" (
        factor: FactorId, user: UserId, credential: &'a [u8], public_key: &'a [u8], sign_count: i64,
        backup_eligible: bool, backed_up: bool, transports: &'a [String], asked_at: Timestamp
    );
    /// A user's passkeys, oldest first.
    ListPasskeys = "list_passkeys" (user: UserId);
    /// A passkey by its id for browsers.
    FindPasskey<'a> = "find_passkey" (credential: &'a [u8]);
    /// Stores what the authenticator said of a passkey that was used, unless this challenge or
    /// a later one was answered before.
    CountPasskeyUse = "count_passkey_use" (
        factor: FactorId, sign_count: i64, backed_up: bool, asked_at: Timestamp
    );
    /// Lets a passkey sign in alone.
    LetPasskeyAlone = "let_passkey_alone" (factor: FactorId, at: Timestamp);
    /// Lets a passkey sign in alone no more.
    KeepPasskeyBeside = "keep_passkey_beside" (factor: FactorId);
    /// Lets none of a user's passkeys sign in alone.
    KeepPasskeysBeside = "keep_passkeys_beside" (user: UserId);
    /// Notes that a factor was proved, and verifies it if it was not.
    NoteFactorProof = "note_factor_proof" (id: FactorId, at: Timestamp);
}

impl Store {
    /// A user's passkeys, oldest first, but those that cannot be read.
    pub async fn list_passkeys(&self, user: UserId) -> Result<Vec<Passkey>, Fault> {
        Ok(Columns::shown(&self.run(&ListPasskeys { user }).await?, passkey)?.rows)
    }

    /// A passkey by its id for browsers.
    pub async fn find_passkey(&self, credential: &[u8]) -> Result<Option<Passkey>, Fault> {
        Columns::first(&self.run(&FindPasskey { credential }).await?, passkey)
    }
}

impl Change {
    /// A user's passkeys, oldest first, but those that cannot be read.
    pub async fn list_passkeys(&self, user: UserId) -> Result<Vec<Passkey>, Fault> {
        Ok(Columns::shown(&self.query(&ListPasskeys { user }).await?, passkey)?.rows)
    }

    /// Stores a passkey and verifies its factor; not if somebody, whoever it is, has a passkey
    /// with its id. It does not sign in alone yet.
    pub async fn insert_passkey(&self, new: &Passkey) -> Result<bool, Fault> {
        let Passkey {
            factor,
            user,
            credential,
            public_key,
            sign_count,
            backup_eligible,
            backed_up,
            transports,
            asked_at,
            alone_from: _,
        } = new;
        let insert = InsertPasskey {
            factor: *factor,
            user: *user,
            credential,
            public_key,
            sign_count: *sign_count,
            backup_eligible: *backup_eligible,
            backed_up: *backed_up,
            transports,
            asked_at: *asked_at,
        };
        if self.query(&insert).await?.is_empty() {
            return Ok(false);
        }
        self.query(&NoteFactorProof { id: *factor, at: self.at() }).await?;
        Ok(true)
    }

    /// Stores what the authenticator said of a passkey that was used; not if it has answered
    /// this challenge or a later one before.
    pub async fn count_passkey_use(
        &self,
        factor: FactorId,
        (sign_count, backed_up): (u32, bool),
        asked_at: Timestamp,
    ) -> Result<bool, Fault> {
        let count = CountPasskeyUse { factor, sign_count: i64::from(sign_count), backed_up, asked_at };
        if self.query(&count).await?.is_empty() {
            return Ok(false);
        }
        self.query(&NoteFactorProof { id: factor, at: self.at() }).await?;
        Ok(true)
    }

    /// Lets a passkey sign in alone; one that does goes on.
    pub async fn let_passkey_alone(&self, factor: FactorId) -> Result<(), Fault> {
        self.query(&LetPasskeyAlone { factor, at: self.at() }).await.map(drop)
    }

    /// Lets a passkey sign in alone no more; whether it did.
    pub async fn keep_passkey_beside(&self, factor: FactorId) -> Result<bool, Fault> {
        Ok(!self.query(&KeepPasskeyBeside { factor }).await?.is_empty())
    }

    /// Lets none of a user's passkeys sign in alone. The user's row is locked.
    pub async fn keep_passkeys_beside(&self, user: UserId) -> Result<(), Fault> {
        self.query(&KeepPasskeysBeside { user }).await.map(drop)
    }
}

fn passkey(row: &mut Columns<'_>) -> Result<Passkey, Fault> {
    Ok(Passkey {
        factor: row.next("factor_id")?,
        user: row.next("user_id")?,
        credential: row.next("credential")?,
        public_key: row.next("public_key")?,
        sign_count: row.next("sign_count")?,
        backup_eligible: row.next("backup_eligible")?,
        backed_up: row.next("backed_up")?,
        transports: row.next("transports")?,
        asked_at: row.next("asked_at")?,
        alone_from: row.next("alone_from")?,
    })
}
