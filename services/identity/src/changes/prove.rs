//! A second factor is proved: the session is `aal2` from then on.
//!
//! A proof is counted before it is looked at and forgiven when it is right, so however
//! many come at once, no more are looked at than the limit says.

use std::time::Duration;

use jiff::Timestamp;

use super::factor::{check_two_factors, lock, make_recovery_codes, own_session, session_over, verified};
use super::repeats::Refused;
use super::sessions::{Granted, Sessions, Tokens};
use crate::actor::{Actor, AuditEvent, SignedIn};
use crate::credential::challenge::Asked;
use crate::credential::recovery_code::RecoveryCode;
use crate::credential::refresh_token::RefreshToken;
use crate::credential::totp::TotpSecret;
use crate::domain::audit::AuditAction;
use crate::domain::factor::{
    Factor, FactorBuckets, FactorKind, MOST_WRONG_CODES, PROVED_TO_ENROL, UNVERIFIED_FOR,
};
use crate::domain::ids::FactorId;
use crate::domain::proof::Method;
use crate::domain::session::{EndedBecause, Which};
use crate::domain::user::User;
use crate::error::{Error, Reason, Refusal};
use crate::store::Change;

/// What somebody sends to prove a factor.
#[derive(Debug)]
pub struct SentProof<'call> {
    pub factor: FactorId,
    /// Empty if none was asked for.
    pub challenge: &'call str,
    pub code: &'call str,
}

/// What comes of a proof, beside tokens.
#[derive(Debug)]
pub enum Gained {
    /// Recovery codes; none but for the first factor.
    Codes(Vec<String>),
    /// So many recovery codes are left.
    Left(i64),
}

impl Sessions {
    /// Proves a factor; the first time, verifies it.
    pub async fn verify_factor(
        &self,
        by: SignedIn,
        sent: &SentProof<'_>,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<(Tokens, Gained), Error> {
        own_session(by)?;
        let asked = Asked { factor: sent.factor, session: by.session };
        if !sent.challenge.is_empty() && !self.challenges.is_open(sent.challenge, asked, now) {
            return Err(challenge_over().into());
        }
        let proved = self.prove(by, actor, now, async |change| {
            let (user, factors) = lock(&change, by.user).await?;
            let factor = factors.iter().find(|one| one.id == sent.factor).ok_or(Error::FactorNotFound)?;
            if let Err(refusal) = check_takes_codes(factor) {
                // No code was looked at, so none was tried: recovery codes have the same limits.
                change.uncount_proof(&self.buckets.proof(by.user, by.session)).await?;
                change.settle().await?;
                return Err(refusal.into());
            }
            let step = TotpSecret::from_bytes(self.factors.open(factor)?).step_of(sent.code, change.at());
            if factor.verified_at.is_none() {
                // Whoever has its secret has enrolled it with as much.
                check_two_factors(&factors, actor, change.at(), PROVED_TO_ENROL + UNVERIFIED_FOR)?;
            }
            let taken = match step {
                Some(step) => change.take_factor_step(factor.id, step).await?,
                None => false,
            };
            let event = actor.did(AuditAction::FactorVerified).about(factor.id);
            if !taken {
                // One that was right, but was used before, is no guess.
                let guesses = if step.is_none() { change.count_wrong_code(factor.id).await? } else { 0 };
                let locked = guesses == MOST_WRONG_CODES;
                let action = if locked { AuditAction::FactorLocked } else { event.action };
                change.finish(AuditEvent { action, ..event }.refused()).await?;
                return Ok(None);
            }
            let codes = activate(&change, factor, &factors, by).await?;
            let action =
                if factor.verified_at.is_none() { AuditAction::FactorActivated } else { event.action };
            let event = AuditEvent { action, ..event };
            let granted = self.step_up(change, user, (by, Method::Totp), event).await?;
            Ok(Some((granted, Gained::Codes(codes))))
        });
        proved.await
    }

    /// Takes a recovery code in place of a factor.
    pub async fn use_recovery_code(
        &self,
        by: SignedIn,
        code: &str,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<(Tokens, Gained), Error> {
        own_session(by)?;
        let hash = RecoveryCode::read(code).map(|code| code.hash(by.user)).unwrap_or_default();
        let proved = self.prove(by, actor, now, async |change| {
            let (user, _) = lock(&change, by.user).await?;
            let event = actor.did(AuditAction::RecoveryCodeUsed);
            let Some(left) = change.take_recovery_code(by.user, &hash).await? else {
                change.finish(event.refused()).await?;
                return Ok(None);
            };
            change.forgive_wrong_codes(by.user).await?;
            let event = event.about(format!("{left} left"));
            let granted = self.step_up(change, user, (by, Method::Recovery), event).await?;
            Ok(Some((granted, Gained::Left(left))))
        });
        proved.await
    }

    /// Counts a proof, has it looked at, and forgives it if it is right.
    async fn prove<F, W>(
        &self,
        by: SignedIn,
        actor: &Actor,
        now: Timestamp,
        proved: F,
    ) -> Result<(Tokens, Gained), Error>
    where
        F: Fn(Change) -> W,
        W: Future<Output = Result<Option<(Granted, Gained)>, Error>>,
    {
        let buckets = self.buckets.proof(by.user, by.session);
        self.count_proof(&buckets, by, actor, now).await?;
        let proved = Change::run(&self.store, proved).await?;
        let (granted, gained) = proved.ok_or(Error::FactorProofWrong)?;
        Ok((self.tokens(granted)?, gained))
    }

    /// Writes down that a proof was right, and commits.
    async fn step_up(
        &self,
        change: Change,
        user: User,
        (by, method): (SignedIn, Method),
        event: AuditEvent<'_>,
    ) -> Result<Granted, Error> {
        let (at, access_id) = (change.at(), Change::new_id());
        let stepped = change.step_up_session((by.session, by.user), method).await?;
        let (counter, proofs) = stepped.ok_or_else(session_over)?;
        change.forgive_proof(&self.buckets.proof(by.user, by.session)).await?;
        let factors = change.list_factors(by.user).await?;
        change.finish(event).await?;
        let refresh = RefreshToken { session: by.session, counter };
        Ok(Granted { user, factors, refresh, access_id, proofs, at })
    }

    /// Refuses a proof that is over a limit, before any work is done for it.
    async fn count_proof(
        &self,
        buckets: &FactorBuckets,
        by: SignedIn,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<(), Error> {
        let limits = &self.store.policy().limits;
        let tried = self.store.factor_attempts(buckets, now).await?;
        let blocked = match tried.blocked(limits, false) {
            Some(until) => Some(until),
            None => {
                let counted = self.store.count_factor_attempt(buckets, now, now + limits.window).await?;
                counted.blocked(limits, true)
            }
        };
        let Some(until) = blocked else { return Ok(()) };
        if self.repeats.note(&buckets.user, until, Refused::Attempt(Some(by.user)), actor) {
            self.store.record(actor.did(AuditAction::LoginLimited).refused()).await?;
        }
        let seconds = until.duration_since(now).as_secs().max(1).unsigned_abs();
        Err(too_many(seconds).into())
    }
}

/// Verifies a factor that was not: the other sessions end, which had not proved it. The
/// first one gives recovery codes.
async fn activate(
    change: &Change,
    factor: &Factor,
    factors: &[Factor],
    by: SignedIn,
) -> Result<Vec<String>, Error> {
    if factor.verified_at.is_some() {
        return Ok(Vec::new());
    }
    change.end_sessions(by.user, Which::AllBut(by.session), EndedBecause::FactorsChanged).await?;
    if verified(factors).next().is_some() {
        return Ok(Vec::new());
    }
    make_recovery_codes(change, by.user).await
}

/// Refuses a proof of a factor of which no code is looked at.
fn check_takes_codes(factor: &Factor) -> Result<(), Refusal> {
    match factor.kind {
        FactorKind::Totp if factor.sealed.is_empty() => Err(Refusal::new(
            Reason::FactorLocked,
            "What proves this factor was given up with a master key that was lost, so no code of it is right any more. POST /v1/auth/recovery-codes/use takes a recovery code; remove the factor after it, and enrol another one. Without one, ask whoever runs the platform to reset your factors.",
        )),
        FactorKind::Totp if factor.wrong_codes < MOST_WRONG_CODES => Ok(()),
        FactorKind::Totp => Err(Refusal::new(
            Reason::FactorLocked,
            "So many wrong codes of this factor were sent, one after the other, that somebody else may be guessing them: codes of it are refused, right ones, too. POST /v1/auth/recovery-codes/use takes a recovery code, and codes of the factor after it. Without one, ask whoever runs the platform to reset your factors.",
        )),
        FactorKind::Other => Err(Refusal::new(
            Reason::FactorNotFound,
            "The factor is of a kind that this server does not know yet, as while a newer version is rolled out. Try again in a while, or prove another factor.",
        )),
    }
}

fn challenge_over() -> Refusal {
    Refusal::new(
        Reason::ChallengeExpired,
        "The challenge is over, or is not one for this factor in this session. POST /v1/auth/factors/{factor_id}/challenge gives another one.",
    )
}

fn too_many(seconds: u64) -> Refusal {
    Refusal::new(
        Reason::TooManyAttempts,
        format!("Too many wrong codes in this session or of this user. Try again in {seconds} s."),
    )
    .retry_after(Duration::from_secs(seconds))
}
