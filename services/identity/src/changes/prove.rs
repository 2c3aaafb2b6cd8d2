//! A second factor is proved: the session is `aal2` from then on.
//!
//! A proof is counted before it is looked at and forgiven when it is right, so however
//! many come at once, no more are looked at than the limit says.

use std::time::Duration;

use jiff::Timestamp;

use super::factor::{lock, make_recovery_codes, own, own_session};
use super::factor_checks::{check_may_activate, verified};
use super::held::session_over;
use super::passkey::{self, Copied, How, Offered, Use, challenge_over, not_taken};
use super::repeats::Refused;
use super::sessions::{Granted, Sessions, Tokens};
use crate::actor::{Actor, AuditEvent, SignedIn};
use crate::credential::challenge::Asked;
use crate::credential::passkey::{Given, PasskeyFault};
use crate::credential::recovery_code::RecoveryCode;
use crate::credential::refresh_token::RefreshToken;
use crate::credential::totp::TotpSecret;
use crate::domain::audit::AuditAction;
use crate::domain::factor::{Factor, FactorBuckets, FactorKind, MOST_WRONG_CODES};
use crate::domain::field::InvalidField;
use crate::domain::ids::FactorId;
use crate::domain::mail::{Activated, Language, Letter};
use crate::domain::proof::Method;
use crate::domain::session::{EndedBecause, Which};
use crate::domain::user::User;
use crate::error::{Error, Existing, Reason, Refusal};
use crate::store::Change;

/// What somebody sends to prove a factor.
#[derive(Debug)]
pub struct SentProof<'call> {
    pub factor: FactorId,
    /// Empty if none was asked for.
    pub challenge: &'call str,
    /// Of an app.
    pub code: &'call str,
    /// Of a passkey, what the browser gave.
    pub credential: &'call str,
    /// In which its user is written to.
    pub language: Language,
}

/// What comes of a proof, beside tokens.
#[derive(Debug)]
pub enum Gained {
    /// Recovery codes; none but for the first factor.
    Codes(Vec<String>),
    /// So many recovery codes are left.
    Left(i64),
}

/// Whether a proof was taken.
#[derive(Debug)]
enum Taken {
    /// It was.
    By(Method),
    /// It was not.
    No(Error),
    /// It was not, and was the last one of the factor that is looked at.
    Locked(Error),
    /// It was not: it looks like one of a copy of the passkey.
    Copied(Copied, Error),
}

/// What a right proof changes.
#[derive(Debug)]
struct Step<'call> {
    /// Of the session: the second factor that was proved last.
    second: Option<Method>,
    /// The factor that was proved, as it was before; a recovery code is none.
    factor: Option<&'call Factor>,
    /// Whether there was no other one that counts.
    is_first: bool,
    /// In which its user is written to.
    language: Language,
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
        if sent.code.is_empty() && sent.credential.is_empty() {
            let sentence = "is needed; for a passkey, `credential` is";
            return Err(InvalidField::new("code", sentence).into());
        }
        let asked = Asked { factor: sent.factor, session: by.session };
        if !sent.challenge.is_empty() && self.challenges.asked_at(sent.challenge, asked, now).is_none() {
            return Err(challenge_over().into());
        }
        let offered = match sent.credential {
            "" => Err(PasskeyFault::Malformed),
            credential => self.offered(credential, asked, now)?,
        };
        let proved = self
            .prove(by, actor, now, async |change| self.look_at(change, by, (sent, &offered), actor).await);
        let proved = proved.await;
        self.post.send();
        proved
    }

    async fn look_at(
        &self,
        change: Change,
        by: SignedIn,
        (sent, offered): (&SentProof<'_>, &Offered),
        actor: &Actor,
    ) -> Result<Result<(Granted, Gained), Error>, Error> {
        let (user, factors) = lock(&change, by.user).await?;
        let factor = own(&factors, sent.factor, by)?;
        if let Err(refused) = check_before(factor, &factors, sent, actor, change.at()) {
            // No code was looked at, so none was tried: recovery codes have the same limits.
            change.uncount_proof(&self.buckets.proof(by.user, by.session)).await?;
            change.settle().await?;
            return Err(refused);
        }
        let taken = match factor.kind {
            FactorKind::Passkey => take_passkey(&change, factor, offered).await?,
            FactorKind::Totp | FactorKind::Other => self.take_code(&change, factor, sent.code).await?,
        };
        let event = actor.did(AuditAction::FactorVerified).about(factor.id);
        let method = match taken {
            Taken::By(method) => method,
            Taken::No(refused) => {
                change.finish(event.refused()).await?;
                return Ok(Err(refused));
            }
            Taken::Locked(refused) => {
                change.finish(AuditEvent { action: AuditAction::FactorLocked, ..event }.refused()).await?;
                return Ok(Err(refused));
            }
            Taken::Copied(copied, refused) => {
                let others = Which::AllBut(by.session);
                self.tell_of_copy(&change, &user, &copied, others, sent.language).await?;
                change.finish(AuditEvent { action: AuditAction::PasskeyCopied, ..event }.refused()).await?;
                return Ok(Err(refused));
            }
        };
        let codes = activate(&change, factor, &factors, by).await?;
        let is_new = factor.verified_at.is_none();
        let is_first = verified(&factors).next().is_none();
        let action = if is_new { AuditAction::FactorActivated } else { event.action };
        // One that was not there yet proves nothing to whoever has another one.
        let second = (!is_new || is_first).then_some(method);
        let step = Step { second, factor: Some(factor), is_first, language: sent.language };
        let granted = self.step_up(change, user, (by, step), AuditEvent { action, ..event }).await?;
        Ok(Ok((granted, Gained::Codes(codes))))
    }

    /// Takes a code of an app. One that was right, but was used before, is no guess.
    async fn take_code(&self, change: &Change, factor: &Factor, code: &str) -> Result<Taken, Error> {
        let secret = TotpSecret::from_bytes(self.factors.open(factor)?);
        let Some(step) = secret.step_of(code, change.at()) else {
            let (guesses, wrong) = (change.count_wrong_code(factor.id).await?, Error::FactorProofWrong);
            // After the last one none is looked at any more.
            if guesses == MOST_WRONG_CODES {
                return Ok(Taken::Locked(wrong));
            }
            return Ok(Taken::No(wrong));
        };
        let taken = change.take_factor_step(factor.id, step).await?;
        Ok(if taken { Taken::By(Method::Totp) } else { Taken::No(Error::FactorProofWrong) })
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
                return Ok(Err(Error::FactorProofWrong));
            };
            change.forgive_wrong_codes(by.user).await?;
            let event = event.about(format!("{left} left"));
            let (second, language) = (Some(Method::Recovery), Language::default());
            let step = Step { second, factor: None, is_first: false, language };
            let granted = self.step_up(change, user, (by, step), event).await?;
            Ok(Ok((granted, Gained::Left(left))))
        });
        proved.await
    }

    /// Counts a proof, has it looked at, and forgives it if it is right. A refusal that is
    /// handed on with what was stored for it is not undone.
    async fn prove<F, W>(
        &self,
        by: SignedIn,
        actor: &Actor,
        now: Timestamp,
        proved: F,
    ) -> Result<(Tokens, Gained), Error>
    where
        F: Fn(Change) -> W,
        W: Future<Output = Result<Result<(Granted, Gained), Error>, Error>>,
    {
        let buckets = self.buckets.proof(by.user, by.session);
        self.count_proof(&buckets, by, actor, now).await?;
        let (granted, gained) = Change::run(&self.store, proved).await??;
        Ok((self.tokens(granted)?, gained))
    }

    /// Writes down that a proof was right, and commits.
    async fn step_up(
        &self,
        change: Change,
        user: User,
        (by, step): (SignedIn, Step<'_>),
        event: AuditEvent<'_>,
    ) -> Result<Granted, Error> {
        let (at, access_id) = (change.at(), Change::new_id());
        let stepped = change.step_up_session((by.session, by.user), step.second).await?;
        let (counter, proofs) = stepped.ok_or_else(session_over)?;
        if let Some(factor) = step.factor {
            let (kind, is_new) = (factor.kind, factor.verified_at.is_none());
            let signs_in_alone = kind == FactorKind::Passkey && proofs.let_passkey_alone(is_new);
            if signs_in_alone {
                change.let_passkey_alone(factor.id).await?;
            }
            if is_new {
                let letter =
                    Letter::FactorActivated(Activated { kind, signs_in_alone, is_first: step.is_first });
                self.tell(&change, &user, &letter, step.language).await?;
            }
        }
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

/// Takes what a browser gave of a passkey: one that it has made, or used.
async fn take_passkey(change: &Change, factor: &Factor, offered: &Offered) -> Result<Taken, Error> {
    let refused = |fault: &PasskeyFault| Error::from(not_taken(fault));
    let taken = match (offered, factor.verified_at) {
        (Ok((Given::Made(made), asked_at)), None) => {
            if passkey::keep(change, factor, made, *asked_at).await? {
                Taken::By(Method::Passkey)
            } else {
                Taken::No(Error::AlreadyExists(Existing::Passkey))
            }
        }
        (Ok((Given::Used(used), asked_at)), Some(_)) => {
            let one = std::slice::from_ref(factor);
            let unsigned = refused(&PasskeyFault::Signature);
            match passkey::take(change, used, one, *asked_at, How::Beside).await? {
                Use::Right => Taken::By(Method::Passkey),
                Use::Wrong => Taken::No(unsigned),
                Use::Copied(copied) => Taken::Copied(copied, unsigned),
            }
        }
        (Ok(_), _) => Taken::No(refused(&PasskeyFault::Malformed)),
        (Err(fault), _) => Taken::No(refused(fault)),
    };
    Ok(taken)
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

/// Refuses a proof before it is looked at.
fn check_before(
    factor: &Factor,
    factors: &[Factor],
    sent: &SentProof<'_>,
    actor: &Actor,
    at: Timestamp,
) -> Result<(), Error> {
    check_is_looked_at(factor)?;
    check_fits(factor.kind, sent)?;
    if factor.verified_at.is_none() {
        check_may_activate(factors, factor.kind, actor, at)?;
    }
    Ok(())
}

/// Refuses what a factor of this kind is not proved by.
fn check_fits(kind: FactorKind, sent: &SentProof<'_>) -> Result<(), InvalidField> {
    match kind {
        FactorKind::Passkey if !sent.code.is_empty() => {
            Err(InvalidField::new("code", "is not for a passkey, which is proved by `credential`"))
        }
        FactorKind::Totp if !sent.credential.is_empty() => {
            Err(InvalidField::new("credential", "is for passkeys; an app is proved by `code`"))
        }
        FactorKind::Totp | FactorKind::Passkey | FactorKind::Other => Ok(()),
    }
}

/// Refuses a proof of a factor of which none is looked at.
fn check_is_looked_at(factor: &Factor) -> Result<(), Refusal> {
    match factor.kind {
        FactorKind::Totp if factor.is_given_up() => Err(Refusal::new(
            Reason::FactorLocked,
            "What proves this factor was given up with a master key that was lost, so no code of it is right any more. POST /v1/auth/recovery-codes/use takes a recovery code; remove the factor after it, and enrol another one. Without one, ask whoever runs the platform to reset your factors.",
        )),
        FactorKind::Totp if factor.wrong_codes >= MOST_WRONG_CODES => Err(Refusal::new(
            Reason::FactorLocked,
            "So many wrong codes of this factor were sent, one after the other, that somebody else may be guessing them: codes of it are refused, right ones, too. POST /v1/auth/recovery-codes/use takes a recovery code, and codes of the factor after it. Without one, ask whoever runs the platform to reset your factors.",
        )),
        FactorKind::Totp | FactorKind::Passkey => Ok(()),
        FactorKind::Other => Err(Refusal::new(
            Reason::FactorNotFound,
            "The factor is of a kind that this server does not know yet, as while a newer version is rolled out. Try again in a while, or prove another factor.",
        )),
    }
}

fn too_many(seconds: u64) -> Refusal {
    Refusal::new(
        Reason::TooManyAttempts,
        format!("Too many wrong codes in this session or of this user. Try again in {seconds} s."),
    )
    .retry_after(Duration::from_secs(seconds))
}
