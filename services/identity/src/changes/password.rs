//! Passwords: checked under limits, and changed by a user who knows the current
//! one.
//!
//! Limits are looked up before the turn at the hash is waited for, so that who is over a
//! limit takes no place of others, and again with the turn in hand: turns are as many as
//! cores, so a burst cannot outrun a limit by more than that.

use std::time::Duration;

use jiff::Timestamp;
use zeroize::Zeroizing;

use super::repeats::Refused;
use super::sessions::Sessions;
use crate::actor::{Actor, SignedIn};
use crate::credential::password::Checked;
use crate::credential::password_rules::{check_new, check_sent};
use crate::domain::audit::AuditAction;
use crate::domain::ids::UserId;
use crate::domain::limits::{self, Blocked, Buckets, Failures, Limits};
use crate::domain::session::{EndedBecause, Which};
use crate::domain::user::Login;
use crate::error::{Error, Reason, Refusal};
use crate::store::Change;

/// A password that somebody sent.
#[derive(Debug)]
pub struct Sent<'call> {
    /// The field in which it came.
    pub field: &'static str,
    /// The account that it should be of.
    pub email: &'call str,
    /// The password.
    pub password: Zeroizing<String>,
}

impl Sessions {
    /// Sets a new password for a user who knows the current one, and ends the
    /// user's other sessions; returns how many.
    pub async fn change_password(
        &self,
        by: SignedIn,
        current: Zeroizing<String>,
        new: Zeroizing<String>,
        actor: &Actor,
        clock: fn() -> Timestamp,
    ) -> Result<i64, Error> {
        let found = self.store.get_login(by.user).await?;
        let email = found.as_ref().map(|login| login.user.email.clone()).unwrap_or_default();
        check_new("new_password", &new, &email)?;
        let sent = Sent { field: "current_password", email: &email, password: current };
        let changed = actor.did(AuditAction::PasswordChanged);
        let wrong = changed.clone().refused();
        let Some(login) = self.check(sent, found, actor, clock).await? else {
            self.store.record(wrong).await?;
            return Err(Error::PasswordWrong);
        };
        let hash = self.passwords.hash(new, actor.context.address).await?;
        let ended = Change::run(&self.store, async |change| {
            if !change.set_password(by.user, &hash, Some(login.password_version)).await? {
                change.finish(wrong.clone()).await?;
                return Ok(None);
            }
            let others = Which::AllBut(by.session);
            let ended = change.end_sessions(by.user, others, EndedBecause::PasswordChanged).await?;
            change.finish(changed.clone()).await?;
            Ok(Some(ended))
        });
        ended.await?.ok_or(Error::PasswordWrong)
    }

    /// The login if the password is right. Failures are counted and limited; the
    /// work is the same whether the user exists.
    pub(super) async fn check(
        &self,
        sent: Sent<'_>,
        found: Option<Login>,
        actor: &Actor,
        clock: fn() -> Timestamp,
    ) -> Result<Option<Login>, Error> {
        let Sent { field, email, password } = sent;
        check_sent(field, &password)?;
        let buckets = self.buckets.attempt(email, actor.context.address);
        let user = found.as_ref().map(|login| login.user.id);
        let limits = &self.store.policy().limits;
        self.check_limits(limits, &buckets, user, actor, clock()).await?;
        let (turn, now) = self.passwords.turn(actor.context.address, clock).await?;
        self.check_limits(limits, &buckets, user, actor, now).await?;
        let stored = found.as_ref().and_then(|login| login.password_hash.clone());
        let checked = self.passwords.check(turn, password, stored.clone()).await?;
        let Some(login) = found.filter(|_| checked != Checked::Wrong) else {
            self.store.count_login_failure(&buckets, now, now + limits.window).await?;
            return Ok(None);
        };
        if login.user.disabled_at.is_some() {
            // Counted like a wrong password: the limit must not tell a disabled user either.
            self.store.count_login_failure(&buckets, now, now + limits.window).await?;
            return Ok(Some(login));
        }
        if let (Checked::RightAndRehashed(new), Some(old)) = (checked, stored) {
            self.store.rehash_password(login.user.id, &old, &new).await?;
            tracing::info!("password stored at the current cost");
        }
        self.store.remember_pair(&buckets, now).await?;
        Ok(Some(login))
    }
}

impl Sessions {
    /// Refuses an attempt that is over one of these limits.
    pub(super) async fn check_limits(
        &self,
        limits: &Limits,
        buckets: &Buckets,
        user: Option<UserId>,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<(), Error> {
        let failures = self.store.login_failures(buckets, now).await?;
        self.check_failures((limits, buckets), &failures, user, actor, now).await
    }

    /// Counts an attempt before it is looked at, so that those beside it know of it; refuses one
    /// that is over one of these limits before any work is done for it.
    pub(super) async fn count_attempt(
        &self,
        limits: &Limits,
        buckets: &Buckets,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<(), Error> {
        self.check_limits(limits, buckets, None, actor, now).await?;
        let counted = self.store.count_login_failure(buckets, now, now + limits.window).await?;
        self.check_failures((&limits.counting_this_one(), buckets), &counted, None, actor, now).await
    }

    async fn check_failures(
        &self,
        (limits, buckets): (&Limits, &Buckets),
        failures: &Failures,
        user: Option<UserId>,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<(), Error> {
        let Some(Blocked { by, until }) = limits::blocked(limits, buckets, failures) else { return Ok(()) };
        self.refuse(&by, until, Refused::Attempt(user), actor).await?;
        let seconds = until.duration_since(now).as_secs().max(1).unsigned_abs();
        Err(too_many(seconds).into())
    }

    /// Records a refusal by a limit: the first one now, and what repeats with others of its kind.
    pub(super) async fn refuse(
        &self,
        limit: &[u8],
        until: Timestamp,
        refused: Refused,
        actor: &Actor,
    ) -> Result<(), Error> {
        if self.repeats.note(limit, until, refused, actor) {
            self.store.record(refused.event(actor)).await?;
        }
        Ok(())
    }
}

fn too_many(seconds: u64) -> Refusal {
    Refusal::new(
        Reason::TooManyAttempts,
        format!("Too many failed attempts at this account or client, or from this address. Try again in {seconds} s."),
    )
    .retry_after(Duration::from_secs(seconds))
}
