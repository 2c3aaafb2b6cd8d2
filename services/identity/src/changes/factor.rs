//! Second factors: enrolled, removed, reset; and new recovery codes. How one is proved is
//! in `prove.rs`.
//!
//! Whoever has a verified factor changes factors with two factors alone, the second one
//! proved lately, or the password would be enough to be rid of it: with it somebody who has
//! got hold of a token can make the session's last proof new. That is decided here, on what
//! the lock shows; what the access layer knows of a caller may be a moment old.

use jiff::{SignedDuration, Timestamp};

use super::sessions::Sessions;
use crate::actor::{Actor, SignedIn};
use crate::credential::challenge::Asked;
use crate::credential::recovery_code::RecoveryCode;
use crate::credential::totp::TotpSecret;
use crate::domain::audit::AuditAction;
use crate::domain::factor::{
    CHALLENGED_FOR, Factor, FactorKind, MOST_FACTORS, PROVED_TO_ENROL, PROVED_TO_REMOVE, RECOVERY_CODES,
    SecondFactorPolicy,
};
use crate::domain::field;
use crate::domain::ids::{FactorId, SessionId, TenantId, UserId};
use crate::domain::scopes::OPERATE;
use crate::domain::session::{EndedBecause, Which};
use crate::domain::user::User;
use crate::error::{Error, Quota, Reason, Refusal};
use crate::store::{Change, Store};

/// How far clocks may differ, as the access layer has it.
const LEEWAY: SignedDuration = SignedDuration::from_secs(access::LEEWAY.cast_signed());

/// A factor with its secret, which is shown once.
#[derive(Debug)]
pub struct Enrolled {
    pub factor: Factor,
    /// For typing.
    pub secret: String,
    /// For a QR code.
    pub uri: String,
}

/// What a reset has removed.
#[derive(Debug)]
pub struct Reset {
    pub factors: i64,
    pub sessions: i64,
}

impl Sessions {
    /// Makes a factor, not verified yet.
    pub async fn enrol_factor(
        &self,
        by: SignedIn,
        id: FactorId,
        name: &str,
        actor: &Actor,
    ) -> Result<Enrolled, Error> {
        own_session(by)?;
        let name = field::name("name", name, true)?;
        let secret = TotpSecret::generate()?;
        let sealed = self.factors.seal(by.user, id, secret.bytes())?;
        Change::run(&self.store, async |change| {
            let (user, factors) = lock(&change, by.user).await?;
            check_two_factors(&factors, actor, change.at(), PROVED_TO_ENROL)?;
            change.forget_unverified_factors(by.user).await?;
            if factors.len() >= MOST_FACTORS {
                return Err(Error::QuotaReached(Quota::Factors));
            }
            let factor = Factor {
                id,
                user: by.user,
                kind: FactorKind::Totp,
                name: name.clone(),
                sealed: sealed.clone(),
                created_at: change.at(),
                verified_at: None,
                last_used_at: None,
                wrong_codes: 0,
            };
            change.insert_factor(&factor).await?;
            change.finish(actor.did(AuditAction::FactorEnrolled).about(id)).await?;
            let uri = secret.uri(&self.store.policy().factor_issuer, &user.email);
            Ok(Enrolled { factor, secret: secret.base32(), uri })
        })
        .await
    }

    /// A challenge for a factor, and until when it is taken.
    pub async fn challenge_factor(
        &self,
        by: SignedIn,
        factor: FactorId,
        now: Timestamp,
    ) -> Result<(String, Timestamp), Error> {
        own_session(by)?;
        let factors = self.store.list_factors(by.user, now).await?;
        let factor = factors.iter().find(|one| one.id == factor).ok_or(Error::FactorNotFound)?;
        let asked = Asked { factor: factor.id, session: by.session };
        Ok((self.challenges.ask(asked, now)?, now + CHALLENGED_FOR))
    }
}

/// Removes a factor and returns how many other sessions were ended.
pub async fn remove(store: &Store, by: SignedIn, id: FactorId, actor: &Actor) -> Result<i64, Error> {
    own_session(by)?;
    Change::run(store, async |change| {
        let (_, factors) = lock(&change, by.user).await?;
        let factor = factors.iter().find(|one| one.id == id).ok_or(Error::FactorNotFound)?;
        let removed = actor.did(AuditAction::FactorRemoved).about(id);
        if factor.verified_at.is_none() {
            change.delete_factor(by.user, id).await?;
            change.finish(removed).await?;
            return Ok(0);
        }
        check_two_factors(&factors, actor, change.at(), PROVED_TO_REMOVE)?;
        change.delete_factor(by.user, id).await?;
        if verified(&factors).all(|one| one.id == id) {
            change.delete_recovery_codes(by.user).await?;
            change.forget_second_proof(by.session).await?;
        }
        let others = Which::AllBut(by.session);
        let ended = change.end_sessions(by.user, others, EndedBecause::FactorsChanged).await?;
        change.finish(removed).await?;
        Ok(ended)
    })
    .await
}

/// Makes new recovery codes.
pub async fn new_recovery_codes(store: &Store, by: SignedIn, actor: &Actor) -> Result<Vec<String>, Error> {
    own_session(by)?;
    Change::run(store, async |change| {
        let (_, factors) = lock(&change, by.user).await?;
        if verified(&factors).next().is_none() {
            let sentence = "You have no second factor that recovery codes could stand in for. POST /v1/auth/factors enrols one.";
            return Err(Refusal::new(Reason::FactorNotFound, sentence).into());
        }
        check_two_factors(&factors, actor, change.at(), PROVED_TO_REMOVE)?;
        let codes = make_recovery_codes(&change, by.user).await?;
        change.finish(actor.did(AuditAction::RecoveryCodesMade)).await?;
        Ok(codes)
    })
    .await
}

/// Removes all factors and codes of a user who has lost them, and ends the user's sessions.
/// Whoever does that to an owner needs as much as for setting the owner's password.
pub async fn reset(store: &Store, id: UserId, actor: &Actor) -> Result<Reset, Error> {
    Change::run(store, async |change| {
        change.lock_factors_of(id).await?.ok_or(Error::UserNotFound)?;
        if change.is_owner(id).await? {
            actor.holds.check([&OPERATE.to_owned()])?;
        }
        let factors = change.delete_factors(id).await?;
        change.delete_recovery_codes(id).await?;
        change.end_links(id).await?;
        let sessions = change.end_sessions(id, Which::All, EndedBecause::FactorsChanged).await?;
        change.finish(actor.did(AuditAction::FactorsReset).done_to(id)).await?;
        Ok(Reset { factors, sessions })
    })
    .await
}

/// Says of whom in a tenant two factors are asked.
pub async fn set_policy(
    store: &Store,
    tenant: TenantId,
    policy: SecondFactorPolicy,
    actor: &Actor,
) -> Result<(), Error> {
    Change::run(store, async |change| {
        if !change.set_second_factor_policy(tenant, policy).await? {
            return Err(Error::TenantNotFound);
        }
        let changed = actor.did(AuditAction::SecondFactorPolicyChanged).in_tenant(tenant);
        change.finish(changed.about(policy.word())).await?;
        Ok(())
    })
    .await
}

/// Stores recovery codes in place of those of before, and returns them.
pub(super) async fn make_recovery_codes(change: &Change, user: UserId) -> Result<Vec<String>, Error> {
    let mut codes = Vec::with_capacity(RECOVERY_CODES);
    for _ in 0..RECOVERY_CODES {
        codes.push(RecoveryCode::generate()?);
    }
    let hashes: Vec<Vec<u8>> = codes.iter().map(|code| code.hash(user)).collect();
    change.replace_recovery_codes(user, &hashes).await?;
    Ok(codes.iter().map(RecoveryCode::text).collect())
}

/// A user and its factors, locked.
pub(super) async fn lock(change: &Change, id: UserId) -> Result<(User, Vec<Factor>), Error> {
    let user = change.lock_factors_of(id).await?.filter(|user| user.disabled_at.is_none());
    let user = user.ok_or_else(session_over)?;
    Ok((user, change.list_factors(id).await?))
}

/// Those that count.
pub(super) fn verified(factors: &[Factor]) -> impl Iterator<Item = &Factor> {
    factors.iter().filter(|factor| factor.verified_at.is_some())
}

/// Refuses a change of factors by whoever has a second factor, and has not proved it in this
/// session, or not within a time.
pub(super) fn check_two_factors(
    factors: &[Factor],
    actor: &Actor,
    at: Timestamp,
    within: SignedDuration,
) -> Result<(), Refusal> {
    let (two, second_at) = (actor.two_factors, actor.second_at);
    let lately = second_at.is_some_and(|proved| at.duration_since(proved) <= within + LEEWAY);
    if two && lately || verified(factors).next().is_none() {
        return Ok(());
    }
    let lacks = if two {
        format!("You have proved your second factor longer than {} min ago", within.as_mins())
    } else {
        "You have a second factor, and have not proved it in this session".to_owned()
    };
    let refusal = Refusal::new(
        Reason::StepUpRequired,
        format!(
            "{lacks}. Nothing was changed. POST /v1/auth/factors/{{factor_id}}/verify with its code, or POST /v1/auth/recovery-codes/use, then make the call with the tokens that it returns."
        ),
    )
    .with("required", if two { "aal2 fresh" } else { "aal2" })
    .with("aal", if two { "aal2" } else { "aal1" })
    .with("enrolled", "true")
    .with("send", "a token with aal2, from POST /v1/auth/factors/{factor_id}/verify");
    Err(if two { refusal.with("max_age_seconds", within.as_secs().to_string()) } else { refusal })
}

/// Factors are proved in sessions, which users of other issuers have elsewhere.
pub(super) fn own_session(by: SignedIn) -> Result<(), Refusal> {
    if by.session != SessionId::default() {
        return Ok(());
    }
    Err(Refusal::new(
        Reason::SignInRequired,
        "The token is of another issuer, which has no session here to prove a second factor in. Sign in with POST /v1/auth/login.",
    ))
}

pub(super) fn session_over() -> Refusal {
    Refusal::new(Reason::SessionEnded, "The session is over. Sign in again.")
}
