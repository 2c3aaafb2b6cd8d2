//! Second factors, the codes that stand in for them, and how often proofs were tried.

use jiff::Timestamp;
use pg::{Columns, Fault};

use super::change::Change;
use super::constraints::FACTORS_NAME;
use super::database::Store;
use super::login_failures::{CountLoginFailure, ListLoginFailures};
use super::users::user;
use crate::domain::factor::{
    Factor, FactorAttempts, FactorBuckets, FactorKind, SealedSecret, UNVERIFIED_FOR,
};
use crate::domain::ids::{FactorId, SessionId, UserId};
use crate::domain::user::User;
use crate::error::{Error, Existing};

/// What [`factor`] reads, of a factor with the passkey that it may be.
pub(super) const COLUMNS: &str = "f.id, f.user_id, f.kind, f.name, f.secret_sealed, f.created_at, f.verified_at, f.last_used_at, f.wrong_codes, f.enrolled_in, p.alone_from is not null as signs_in_alone";

pg::statements! {
    /// A user's factors, oldest first, but those that were not verified in time.
    ListFactors = "list_factors" (user: UserId, in_time: Timestamp);
    /// Some factors of whomever, for their secrets.
    ListSealedFactors = "list_sealed_factors" (after: FactorId, most: i64);
    /// The same, locked.
    LockSealedFactors = "lock_sealed_factors" (after: FactorId, most: i64);
    /// Stores the secret of a factor sealed anew.
    ResealFactor<'a> = "reseal_factor" (id: FactorId, sealed: &'a [u8]);
    /// How many recovery codes a user has left.
    CountRecoveryCodes = "count_recovery_codes" (user: UserId);
    /// A user whose factors are to be changed, locked.
    LockFactorsOf = "lock_factors_of" (user: UserId);
    /// Stores a factor.
    InsertFactor<'a> = "insert_factor" (
        id: FactorId, user: UserId, kind: &'a str, name: &'a str, sealed: Option<&'a [u8]>, at: Timestamp,
        enrolled_in: Option<SessionId>
    );
    /// Forgets a user's factors that were not verified in time.
    ForgetUnverifiedFactors = "forget_unverified_factors" (user: UserId, before: Timestamp);
    /// Takes a code of a step, unless one of it or a later one was taken before.
    TakeFactorStep = "take_factor_step" (id: FactorId, step: i64, at: Timestamp);
    /// Counts a wrong code of a factor.
    CountWrongCode = "count_wrong_code" (id: FactorId);
    /// Forgives wrong codes of all factors of a user.
    ForgiveWrongCodes = "forgive_wrong_codes" (user: UserId);
    /// Forgets factors that were not verified before a time, so many at most.
    ForgetOldFactors = "forget_old_factors" (before: Timestamp, most: i64);
    /// Deletes a factor.
    DeleteFactor = "delete_factor" (user: UserId, id: FactorId);
    /// Deletes all factors of a user.
    DeleteFactors = "delete_factors" (user: UserId);
    /// Stores recovery codes.
    InsertRecoveryCodes<'a> = "insert_recovery_codes" (user: UserId, hashes: &'a [Vec<u8>], at: Timestamp);
    /// Takes a recovery code, which is gone then.
    TakeRecoveryCode<'a> = "take_recovery_code" (user: UserId, hash: &'a [u8]);
    /// Deletes all recovery codes of a user.
    DeleteRecoveryCodes = "delete_recovery_codes" (user: UserId);
    /// Forgives a session the proofs that were tried in it, and its user the last one.
    ForgiveProof<'a> = "forgive_proof" (session: &'a [u8], user: &'a [u8]);
    /// Takes back that a proof was counted.
    UncountProof<'a> = "uncount_proof" (session: &'a [u8], user: &'a [u8]);
}

impl Store {
    /// A user's factors, oldest first, but those that were not verified in time.
    pub async fn list_factors(&self, user: UserId, now: Timestamp) -> Result<Vec<Factor>, Fault> {
        Columns::all(&self.run(&ListFactors { user, in_time: now - UNVERIFIED_FOR }).await?, factor)
    }

    /// Secrets of factors after one, at most so many.
    pub async fn list_sealed_factors(&self, after: FactorId, most: i64) -> Result<Vec<SealedSecret>, Fault> {
        Columns::all(&self.run(&ListSealedFactors { after, most }).await?, sealed)
    }

    /// How many recovery codes a user has left.
    pub async fn count_recovery_codes(&self, user: UserId) -> Result<i64, Fault> {
        let rows = self.run(&CountRecoveryCodes { user }).await?;
        Columns::first(&rows, |row| row.next("left")).map(Option::unwrap_or_default)
    }

    /// Forgets factors that were not verified before a time, so many at most, whosever they
    /// are.
    pub async fn forget_old_factors(&self, before: Timestamp, most: i64) -> Result<(), Fault> {
        self.run(&ForgetOldFactors { before, most }).await.map(drop)
    }

    /// How often proofs were tried.
    pub async fn factor_attempts(
        &self,
        buckets: &FactorBuckets,
        now: Timestamp,
    ) -> Result<FactorAttempts, Fault> {
        let FactorBuckets { user, session } = buckets;
        let list = ListLoginFailures { buckets: vec![user, session], pair: session, now };
        attempts(&self.run(&list).await?, buckets)
    }

    /// Counts a proof before it is looked at, so that those beside it know of it.
    pub async fn count_factor_attempt(
        &self,
        buckets: &FactorBuckets,
        now: Timestamp,
        window_ends_at: Timestamp,
    ) -> Result<FactorAttempts, Fault> {
        let FactorBuckets { user, session } = buckets;
        let count = CountLoginFailure { buckets: vec![user, session], now, window_ends_at };
        attempts(&self.run(&count).await?, buckets)
    }
}

impl Change {
    /// Secrets of factors after one, at most so many, locked.
    pub async fn lock_sealed_factors(&self, after: FactorId, most: i64) -> Result<Vec<SealedSecret>, Fault> {
        Columns::all(&self.query(&LockSealedFactors { after, most }).await?, sealed)
    }

    pub async fn reseal_factor(&self, id: FactorId, sealed: &[u8]) -> Result<(), Fault> {
        self.query(&ResealFactor { id, sealed }).await.map(drop)
    }

    /// A user, locked: changes of its factors come one after the other.
    pub async fn lock_factors_of(&self, id: UserId) -> Result<Option<User>, Fault> {
        Columns::first(&self.query(&LockFactorsOf { user: id }).await?, user)
    }

    /// A user's factors, oldest first, but those that were not verified in time.
    pub async fn list_factors(&self, user: UserId) -> Result<Vec<Factor>, Fault> {
        let in_time = self.at() - UNVERIFIED_FOR;
        Columns::all(&self.query(&ListFactors { user, in_time }).await?, factor)
    }

    pub async fn insert_factor(&self, new: &Factor) -> Result<(), Error> {
        let Factor { id, user, kind, name, sealed, created_at, enrolled_in, .. } = new;
        let (id, user, at, enrolled_in) = (*id, *user, *created_at, *enrolled_in);
        let (kind, sealed) = (kind.word(), sealed.as_deref());
        let insert = InsertFactor { id, user, kind, name, sealed, at, enrolled_in };
        self.query(&insert).await.map(drop).map_err(|fault| {
            if fault.on_constraint(FACTORS_NAME) {
                Error::AlreadyExists(Existing::Factor)
            } else {
                fault.into()
            }
        })
    }

    /// Forgets a user's factors that were not verified in time.
    pub async fn forget_unverified_factors(&self, user: UserId) -> Result<(), Fault> {
        let before = self.at() - UNVERIFIED_FOR;
        self.query(&ForgetUnverifiedFactors { user, before }).await.map(drop)
    }

    /// Takes a code of a step, and verifies the factor if it was not; not if a code of that
    /// step or a later one was taken before.
    pub async fn take_factor_step(&self, id: FactorId, step: i64) -> Result<bool, Fault> {
        Ok(!self.query(&TakeFactorStep { id, step, at: self.at() }).await?.is_empty())
    }

    /// Counts a wrong code of a factor, and returns how many there were since the last right
    /// one.
    pub async fn count_wrong_code(&self, id: FactorId) -> Result<i32, Fault> {
        let rows = self.query(&CountWrongCode { id }).await?;
        Columns::first(&rows, |row| row.next("wrong_codes")).map(Option::unwrap_or_default)
    }

    /// Whoever has a recovery code is no guesser.
    pub async fn forgive_wrong_codes(&self, user: UserId) -> Result<(), Fault> {
        self.query(&ForgiveWrongCodes { user }).await.map(drop)
    }

    pub async fn delete_factor(&self, user: UserId, id: FactorId) -> Result<(), Fault> {
        self.query(&DeleteFactor { user, id }).await.map(drop)
    }

    /// Deletes all factors of a user and returns how many.
    pub async fn delete_factors(&self, user: UserId) -> Result<i64, Fault> {
        let rows = self.query(&DeleteFactors { user }).await?;
        Columns::first(&rows, |row| row.next("deleted")).map(Option::unwrap_or_default)
    }

    /// Stores recovery codes in place of those of before.
    pub async fn replace_recovery_codes(&self, user: UserId, hashes: &[Vec<u8>]) -> Result<(), Fault> {
        self.delete_recovery_codes(user).await?;
        self.query(&InsertRecoveryCodes { user, hashes, at: self.at() }).await.map(drop)
    }

    /// Takes a recovery code; how many are left, if it was one.
    pub async fn take_recovery_code(&self, user: UserId, hash: &[u8]) -> Result<Option<i64>, Fault> {
        if self.query(&TakeRecoveryCode { user, hash }).await?.is_empty() {
            return Ok(None);
        }
        let rows = self.query(&CountRecoveryCodes { user }).await?;
        Columns::first(&rows, |row| row.next("left"))
    }

    /// A proof was right.
    pub async fn forgive_proof(&self, buckets: &FactorBuckets) -> Result<(), Fault> {
        let FactorBuckets { user, session } = buckets;
        self.query(&ForgiveProof { session, user }).await.map(drop)
    }

    /// A proof was not looked at.
    pub async fn uncount_proof(&self, buckets: &FactorBuckets) -> Result<(), Fault> {
        let FactorBuckets { user, session } = buckets;
        self.query(&UncountProof { session, user }).await.map(drop)
    }

    pub async fn delete_recovery_codes(&self, user: UserId) -> Result<(), Fault> {
        self.query(&DeleteRecoveryCodes { user }).await.map(drop)
    }
}

fn factor(row: &mut Columns<'_>) -> Result<Factor, Fault> {
    Ok(Factor {
        id: row.next("id")?,
        user: row.next("user_id")?,
        kind: FactorKind::of_word(row.next("kind")?),
        name: row.next("name")?,
        sealed: row.next("secret_sealed")?,
        created_at: row.next("created_at")?,
        verified_at: row.next("verified_at")?,
        last_used_at: row.next("last_used_at")?,
        wrong_codes: row.next("wrong_codes")?,
        enrolled_in: row.next("enrolled_in")?,
        signs_in_alone: row.next("signs_in_alone")?,
    })
}

fn sealed(row: &mut Columns<'_>) -> Result<SealedSecret, Fault> {
    Ok(SealedSecret { id: row.next("id")?, user: row.next("user_id")?, sealed: row.next("secret_sealed")? })
}

fn attempts(rows: &[tokio_postgres::Row], buckets: &FactorBuckets) -> Result<FactorAttempts, Fault> {
    let mut attempts = FactorAttempts::default();
    for row in rows {
        let mut row = Columns::of(row);
        let bucket: &[u8] = row.next("bucket")?;
        let count = (row.next("failures")?, row.next("window_ends_at")?);
        if bucket == buckets.session {
            attempts.session = Some(count);
        } else {
            attempts.user = Some(count);
        }
    }
    Ok(attempts)
}
