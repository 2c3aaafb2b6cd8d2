//! Second factors: enrolled, removed, reset; and new recovery codes. How one is proved is
//! in `prove.rs`, and what a caller has to have proved in `factor_checks.rs`.

use jiff::{SignedDuration, Timestamp};

use super::factor_checks::{check_may_enrol, check_two_factors, verified};
use super::held::{lock_live_session, session_over, still_held, still_held_over};
use super::sessions::Sessions;
use crate::actor::{Actor, SignedIn};
use crate::credential::challenge::Asked;
use crate::credential::recovery_code::RecoveryCode;
use crate::credential::totp::TotpSecret;
use crate::domain::audit::AuditAction;
use crate::domain::factor::{
    CHALLENGED_FOR, Factor, FactorKind, MOST_FACTORS, PROVED_TO_REMOVE, RECOVERY_CODES, SecondFactorPolicy,
};
use crate::domain::field;
use crate::domain::ids::{FactorId, SessionId, TenantId, UserId};
use crate::domain::limits::{self, Limits};
use crate::domain::mail::{Language, Letter};
use crate::domain::scopes::{MANAGE_TENANT, OPERATE};
use crate::domain::session::{EndedBecause, Which};
use crate::domain::user::{User, UserKind};
use crate::error::{Error, Quota, Reason, Refusal};
use crate::store::{Change, Store};

/// Letters about second factors to one user in a day.
const LETTERS: Limits = Limits { pair: 0, account: 10, address: 0, window: SignedDuration::from_hours(24) };

/// A factor with its secret, which is shown once; a passkey has none.
#[derive(Debug)]
pub struct Enrolled {
    pub factor: Factor,
    /// For typing.
    pub secret: String,
    /// For a QR code.
    pub uri: String,
}

/// What somebody is asked to prove.
#[derive(Debug)]
pub struct Challenge {
    pub text: String,
    pub expires_at: Timestamp,
    /// JSON for the browser, of a passkey; else empty.
    pub options: String,
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
        (id, kind): (FactorId, FactorKind),
        name: &str,
        actor: &Actor,
    ) -> Result<Enrolled, Error> {
        own_session(by)?;
        let name = field::name("name", name, true)?;
        let secret = match kind {
            FactorKind::Passkey => self.site().map(|_| None)?,
            FactorKind::Totp | FactorKind::Other => Some(TotpSecret::generate()?),
        };
        let sealed = match &secret {
            Some(secret) => Some(self.factors.seal(by.user, id, secret.bytes())?),
            None => None,
        };
        Change::run(&self.store, async |change| {
            lock_live_session(&change, by).await?;
            let (user, factors) = lock(&change, by.user).await?;
            check_may_enrol(&factors, kind, actor, change.at())?;
            change.forget_unverified_factors(by.user).await?;
            if factors.len() >= MOST_FACTORS {
                return Err(Error::QuotaReached(Quota::Factors));
            }
            let factor = Factor {
                id,
                user: by.user,
                kind,
                name: name.clone(),
                sealed: sealed.clone(),
                created_at: change.at(),
                verified_at: None,
                last_used_at: None,
                wrong_codes: 0,
                enrolled_in: Some(by.session),
                signs_in_alone: false,
            };
            change.insert_factor(&factor).await?;
            change.finish(actor.did(AuditAction::FactorEnrolled).about(id)).await?;
            let uri = |secret: &TotpSecret| secret.uri(&self.store.policy().factor_issuer, &user.email);
            let uri = secret.as_ref().map(uri).unwrap_or_default();
            let secret = secret.as_ref().map(TotpSecret::base32).unwrap_or_default();
            Ok(Enrolled { factor, secret, uri })
        })
        .await
    }

    /// A challenge for a factor.
    pub async fn challenge_factor(
        &self,
        by: SignedIn,
        factor: FactorId,
        now: Timestamp,
    ) -> Result<Challenge, Error> {
        own_session(by)?;
        let factors = self.store.list_factors(by.user, now).await?;
        let factor = own(&factors, factor, by)?;
        let asked = Asked { factor: factor.id, session: by.session };
        let text = self.challenges.ask(asked, now)?;
        let options = match factor.kind {
            FactorKind::Totp | FactorKind::Other => String::new(),
            FactorKind::Passkey => self.passkey_options(factor, &text).await?,
        };
        Ok(Challenge { text, expires_at: now + CHALLENGED_FOR, options })
    }

    /// Removes a factor and returns how many other sessions were ended.
    pub async fn remove_factor(
        &self,
        by: SignedIn,
        id: FactorId,
        language: Language,
        actor: &Actor,
    ) -> Result<i64, Error> {
        own_session(by)?;
        let ended = Change::run(&self.store, async |change| {
            lock_live_session(&change, by).await?;
            let (user, factors) = lock(&change, by.user).await?;
            let factor = factors.iter().find(|one| one.id == id).ok_or(Error::FactorNotFound)?;
            let removed = actor.did(AuditAction::FactorRemoved).about(id);
            if factor.verified_at.is_none() {
                // It never counted, and nobody was told of it.
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
            self.tell(&change, &user, &Letter::FactorRemoved(factor.kind), language).await?;
            change.finish(removed).await?;
            Ok(ended)
        })
        .await?;
        self.post.send();
        Ok(ended)
    }

    /// Removes all factors and codes of a user as [`reset`] does, and tells the user.
    pub async fn reset_factors(&self, id: UserId, language: Language, actor: &Actor) -> Result<Reset, Error> {
        let reset = Change::run(&self.store, async |change| {
            let taken = take_all(&change, id, actor).await?;
            if taken.counted {
                self.tell(&change, &taken.user, &Letter::FactorsReset, language).await?;
            }
            change.finish(actor.did(AuditAction::FactorsReset).done_to(id)).await?;
            Ok(taken.reset)
        })
        .await?;
        self.post.send();
        Ok(reset)
    }

    /// Writes a person a letter about second factors, where letters are sent; not more in a day
    /// than anybody reads, since whoever is right may change factors without end.
    pub(super) async fn tell(
        &self,
        change: &Change,
        user: &User,
        letter: &Letter<'_>,
        language: Language,
    ) -> Result<(), Error> {
        if self.store.policy().mail.is_none() || user.kind != UserKind::Person {
            return Ok(());
        }
        let buckets = self.buckets.factor_letter(user.id);
        let counted = change.count_mail_request(&buckets, change.at() + LETTERS.window).await?;
        if limits::blocked(&LETTERS.counting_this_one(), &buckets, &counted).is_some() {
            tracing::warn!(user = %user.id, letter = letter.kind(), "a letter is left out: too many in a day");
            return Ok(());
        }
        self.post.write(change, &user.email, letter, language).await
    }
}

/// Makes new recovery codes.
pub async fn new_recovery_codes(store: &Store, by: SignedIn, actor: &Actor) -> Result<Vec<String>, Error> {
    own_session(by)?;
    Change::run(store, async |change| {
        lock_live_session(&change, by).await?;
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

/// Removes all factors and codes of a user who has lost them, and ends the user's sessions, as a
/// command does: it has no key to seal a letter with.
pub async fn reset(store: &Store, id: UserId, actor: &Actor) -> Result<Reset, Error> {
    Change::run(store, async |change| {
        let taken = take_all(&change, id, actor).await?;
        change.finish(actor.did(AuditAction::FactorsReset).done_to(id)).await?;
        Ok(taken.reset)
    })
    .await
}

/// What was taken away from a user.
struct Taken {
    user: User,
    /// Whether one of the factors counted.
    counted: bool,
    reset: Reset,
}

/// Takes all factors and codes away from a user, whose sessions end. Whoever does that to an
/// owner needs as much as for setting the owner's password.
async fn take_all(change: &Change, id: UserId, actor: &Actor) -> Result<Taken, Error> {
    let holds = still_held_over(change, id, actor).await?;
    let user = change.lock_factors_of(id).await?.ok_or(Error::UserNotFound)?;
    if change.is_owner(id).await? {
        holds.check([&OPERATE.to_owned()])?;
    }
    let counted = verified(&change.list_factors(id).await?).next().is_some();
    let factors = change.delete_factors(id).await?;
    change.delete_recovery_codes(id).await?;
    change.end_links(id).await?;
    let sessions = change.end_sessions(id, Which::All, EndedBecause::FactorsChanged).await?;
    Ok(Taken { user, counted, reset: Reset { factors, sessions } })
}

/// Says of whom in a tenant two factors are asked.
pub async fn set_policy(
    store: &Store,
    tenant: TenantId,
    policy: SecondFactorPolicy,
    actor: &Actor,
) -> Result<(), Error> {
    Change::run(store, async |change| {
        // The tenant first, as whoever invites.
        change.lock_tenant(tenant).await?;
        still_held(&change, tenant, actor, MANAGE_TENANT).await?;
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

/// One of a user's factors, as the user's session sees them.
pub(super) fn own(factors: &[Factor], id: FactorId, by: SignedIn) -> Result<&Factor, Error> {
    let factor = factors.iter().find(|one| one.id == id && one.is_proved_in(by.session));
    factor.ok_or(Error::FactorNotFound)
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
