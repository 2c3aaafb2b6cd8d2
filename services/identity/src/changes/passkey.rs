//! Passkeys: what browsers are asked for, and what they answer. The steps of the standard
//! that need neither the database nor the clock are in `credential/passkey.rs`.
//!
//! A passkey that is used alone begins a session with two factors: it is had, and its
//! authenticator has made sure who uses it. It does so until a password is set without the one
//! before, as by whoever takes an account back: from then on it counts beside the password only,
//! until it was proved once in a session that began with the new one (`prove.rs`). So one that
//! somebody else has added is worth nothing to whoever lacks the password. The same is done of one
//! that seems to have a copy: which of the two is the user's nobody knows, so neither goes on alone.

use jiff::Timestamp;

use super::factor::{Challenge, lock};
use super::factor_checks::verified;
use super::sessions::{Granted, Sessions, Tokens};
use crate::actor::{Actor, AuditEvent, Context};
use crate::credential::challenge::Asked;
use crate::credential::passkey::{Given, Made, PasskeyFault, Used, creation_options, request_options};
use crate::credential::refresh_token::RefreshToken;
use crate::credential::relying_party::RelyingParty;
use crate::domain::audit::AuditAction;
use crate::domain::factor::{CHALLENGED_FOR, Factor, Passkey, Signer};
use crate::domain::ids::{FactorId, SessionId, UserId};
use crate::domain::limits::Limits;
use crate::domain::mail::{Language, Letter};
use crate::domain::proof::Proofs;
use crate::domain::session::{EndedBecause, Which};
use crate::domain::user::User;
use crate::error::{Error, Reason, Refusal};
use crate::store::Change;

/// What a browser gave, in answer to a challenge that is open, with the time of that one.
pub(super) type Offered = Result<(Given, Timestamp), PasskeyFault>;

/// For what a passkey is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    /// To begin a session.
    Alone,
    /// As second factor.
    Beside,
}

/// What came of a passkey that was used.
#[derive(Debug)]
pub(super) enum Use {
    /// It was taken.
    Right,
    /// It was not, for a reason that nobody is told.
    Wrong,
    /// It was not: it looks like a copy.
    Copied(Copied),
}

/// A passkey of which there seems to be a copy.
#[derive(Debug)]
pub(super) struct Copied {
    /// The factor that it is.
    pub(super) factor: FactorId,
    /// Whether it has signed in alone until now.
    pub(super) was_alone: bool,
}

/// A passkey that somebody signs in with.
#[derive(Debug)]
struct Shown<'call> {
    used: &'call Used,
    /// When the challenge was made that it answers.
    asked_at: Timestamp,
    /// In which its user is written to.
    language: Language,
}

impl Sessions {
    /// The site of passkeys, where there is one.
    pub(super) fn site(&self) -> Result<&RelyingParty, Refusal> {
        self.store.policy().passkeys.as_ref().ok_or_else(|| {
            Refusal::new(
                Reason::PasskeysOff,
                "Passkeys are not set up here: PASSKEY_ORIGINS of identity names no page. Sign in with e-mail and password.",
            )
        })
    }

    /// What a browser is asked for a passkey of a user: to make it, or to use it.
    pub(super) async fn passkey_options(&self, factor: &Factor, challenge: &str) -> Result<String, Error> {
        let site = self.site()?;
        let passkeys = self.store.list_passkeys(factor.user).await?;
        if factor.verified_at.is_some() {
            let own: Vec<Passkey> = passkeys.into_iter().filter(|one| one.factor == factor.id).collect();
            return Ok(request_options(site, challenge, &own).to_string());
        }
        let (user, _) = self.store.get_user(factor.user).await?.ok_or(Error::FactorNotFound)?;
        let service = &self.store.policy().factor_issuer;
        Ok(creation_options(site, service, &user, challenge, &passkeys).to_string())
    }

    /// What a browser is asked whose user is not known yet.
    pub fn challenge_passkey(&self, now: Timestamp) -> Result<Challenge, Error> {
        let site = self.site()?;
        let text = self.challenges.ask(Asked::default(), now)?;
        let options = request_options(site, &text, &[]).to_string();
        Ok(Challenge { text, expires_at: now + CHALLENGED_FOR, options })
    }

    /// Reads what a browser gave, in answer to a challenge that is not over.
    pub(super) fn offered(&self, credential: &str, asked: Asked, now: Timestamp) -> Result<Offered, Refusal> {
        let given = match Given::read(credential, self.site()?) {
            Ok(given) => given,
            Err(fault) => return Ok(Err(fault)),
        };
        let asked_at = self.challenges.asked_at(given.challenge(), asked, now).ok_or_else(challenge_over)?;
        Ok(Ok((given, asked_at)))
    }

    /// Starts a session with a passkey alone. Nobody guesses a signature, so accounts need no
    /// limit; what one address sends is limited together with its logins, and counted before it
    /// is looked at.
    pub async fn login_with_passkey(
        &self,
        credential: &str,
        language: Language,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<Tokens, Error> {
        self.site()?;
        let limits = Limits { pair: 0, account: 0, ..self.store.policy().limits };
        self.count_attempt(&limits, &self.buckets.passkey(actor.context.address), actor, now).await?;
        let fault = match self.offered(credential, Asked::default(), now)? {
            Ok((Given::Used(used), asked_at)) => {
                let shown = Shown { used: &used, asked_at, language };
                let granted = self.begin_with(&shown, actor).await?;
                self.post.send();
                return self.tokens(granted.ok_or_else(unknown)?);
            }
            Ok((Given::Made(_), _)) => PasskeyFault::Malformed,
            Err(fault) => fault,
        };
        self.store.record(actor.did(AuditAction::Login).refused()).await?;
        Err(not_taken(&fault).into())
    }

    async fn begin_with(&self, shown: &Shown<'_>, actor: &Actor) -> Result<Option<Granted>, Error> {
        // Step 6: whoever it is was not known before, so the authenticator has to say it.
        let found = self.store.find_passkey(&shown.used.id).await?;
        let Some(found) = found.filter(|_| shown.used.user.is_some()) else {
            self.store.record(actor.did(AuditAction::Login).refused()).await?;
            return Ok(None);
        };
        Change::run(&self.store, async |change| self.begin(change, shown, found.user, actor).await).await
    }

    async fn begin(
        &self,
        change: Change,
        shown: &Shown<'_>,
        user: UserId,
        actor: &Actor,
    ) -> Result<Option<Granted>, Error> {
        let login = actor.did(AuditAction::Login).by(Some(user));
        let (owner, factors) = match lock(&change, user).await {
            Ok(locked) => locked,
            // Nobody is told that there is a user who is disabled.
            Err(Error::Refused(_)) => {
                change.finish(login.refused()).await?;
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let refused = match take(&change, shown.used, &factors, shown.asked_at, How::Alone).await? {
            Use::Right => None,
            Use::Wrong => Some(login.clone()),
            Use::Copied(copied) => {
                self.tell_of_copy(&change, &owner, &copied, Which::All, shown.language).await?;
                let login = login.clone().about(copied.factor);
                Some(AuditEvent { action: AuditAction::PasskeyCopied, ..login })
            }
        };
        if let Some(refused) = refused {
            change.finish(refused.refused()).await?;
            return Ok(None);
        }
        let id = SessionId(Change::new_id());
        let Context { address, user_agent, .. } = &actor.context;
        change.insert_session_of_passkey((id, user), &actor.context.address_text(), user_agent).await?;
        change.uncount_attempt(&self.buckets.passkey(*address)).await?;
        let granted = Granted {
            factors: change.list_factors(user).await?,
            user: owner,
            refresh: RefreshToken { session: id, counter: 0 },
            access_id: Change::new_id(),
            proofs: Proofs::of_passkey(change.at()),
            at: change.at(),
        };
        change.finish(login.in_session(id)).await?;
        Ok(Some(granted))
    }

    /// Tells a user of a copy of a passkey, and ends sessions that it may have begun; once, when
    /// the passkey ceases to sign in alone, since the same answer can be sent again.
    pub(super) async fn tell_of_copy(
        &self,
        change: &Change,
        user: &User,
        copied: &Copied,
        which: Which,
        language: Language,
    ) -> Result<(), Error> {
        if !copied.was_alone {
            return Ok(());
        }
        change.end_sessions(user.id, which, EndedBecause::FactorsChanged).await?;
        self.tell(change, user, &Letter::PasskeyCopied, language).await
    }
}

/// Stores a passkey that was made for a factor; not if somebody has one with its id.
pub(super) async fn keep(
    change: &Change,
    factor: &Factor,
    made: &Made,
    asked_at: Timestamp,
) -> Result<bool, Error> {
    let passkey = Passkey {
        factor: factor.id,
        user: factor.user,
        credential: made.id.clone(),
        public_key: made.public_key.clone(),
        sign_count: i64::from(made.sign_count),
        backup_eligible: made.backup_eligible,
        backed_up: made.backed_up,
        transports: made.transports.clone(),
        asked_at,
        alone_from: None,
    };
    Ok(change.insert_passkey(&passkey).await?)
}

/// Takes a passkey that was used, of one of these factors, which are locked, if it is one of
/// theirs, has signed, and was not used for this challenge before.
pub(super) async fn take(
    change: &Change,
    used: &Used,
    factors: &[Factor],
    asked_at: Timestamp,
    how: How,
) -> Result<Use, Error> {
    let Some(whose) = factors.first().map(|factor| factor.user) else { return Ok(Use::Wrong) };
    let is_theirs = |one: &Passkey| verified(factors).any(|factor| factor.id == one.factor);
    let passkeys = change.list_passkeys(whose).await?;
    let found = passkeys.into_iter().find(|one| one.credential == used.id && is_theirs(one));
    let Some(passkey) = found.filter(|passkey| used.check(passkey).is_ok()) else { return Ok(Use::Wrong) };
    // Step 22.
    match passkey.signer(asked_at, used.sign_count) {
        Signer::Copy => {
            let factor = passkey.factor;
            let was_alone = change.keep_passkey_beside(factor).await?;
            return Ok(Use::Copied(Copied { factor, was_alone }));
        }
        Signer::Repeated => return Ok(Use::Wrong),
        Signer::Own => {}
    }
    if how == How::Alone && passkey.alone_from.is_none() {
        return Ok(Use::Wrong);
    }
    let told = (used.sign_count, used.backed_up);
    let is_first = change.count_passkey_use(passkey.factor, told, asked_at).await?;
    Ok(if is_first { Use::Right } else { Use::Wrong })
}

pub(super) fn not_taken(fault: &PasskeyFault) -> Refusal {
    Refusal::new(
        Reason::FactorProofWrong,
        format!("The passkey was not taken: {fault}. Nothing was changed."),
    )
}

fn unknown() -> Refusal {
    Refusal::new(
        Reason::LoginFailed,
        "No passkey that signs in alone is this one. It may have answered this or a later challenge already: ask for a new challenge and try once more. Or it was removed, its user disabled, the password set anew since, or a copy of it noticed: then it is to be proved once beside the password. Sign in with e-mail and password.",
    )
}

pub(super) fn challenge_over() -> Refusal {
    Refusal::new(
        Reason::ChallengeExpired,
        "The challenge is over, or is not one for this factor in this session. POST /v1/auth/factors/{factor_id}/challenge gives another one; for a passkey alone, POST /v1/auth/passkeys/challenge.",
    )
}
