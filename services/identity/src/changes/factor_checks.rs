//! What whoever changes second factors has to have proved.
//!
//! Whoever has a verified factor changes factors with two factors alone, the second one
//! proved lately, or the password would be enough to be rid of it: with it somebody who has
//! got hold of a token can make the session's last proof new. That is decided here, on what
//! the lock shows; what the access layer knows of a caller may be a moment old.

use jiff::{SignedDuration, Timestamp};

use crate::actor::Actor;
use crate::domain::factor::{
    CHALLENGED_FOR, Factor, FactorKind, PROVED_FOR_PASSKEY, PROVED_TO_ENROL, UNVERIFIED_FOR,
};
use crate::error::{Reason, Refusal};

/// How far clocks may differ, as the access layer has it.
const LEEWAY: SignedDuration = SignedDuration::from_secs(access::LEEWAY.cast_signed());

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
    let two = actor.two_factors;
    if two && is_recent(actor.second_at, at, within) || verified(factors).next().is_none() {
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

/// Refuses a factor to whoever has proved too little for it, or too long ago. A passkey will sign
/// in alone, so for one the access rule's time is too long.
pub(super) fn check_may_enrol(
    factors: &[Factor],
    kind: FactorKind,
    actor: &Actor,
    at: Timestamp,
) -> Result<(), Refusal> {
    match kind {
        FactorKind::Passkey => {
            check_two_factors(factors, actor, at, PROVED_FOR_PASSKEY)?;
            check_proved(actor, at, PROVED_FOR_PASSKEY)
        }
        FactorKind::Totp | FactorKind::Other => check_two_factors(factors, actor, at, PROVED_TO_ENROL),
    }
}

/// Refuses to verify a factor with less than it was enrolled with, as long as that takes: an app
/// is set up in the time that a factor waits, a passkey is made in that of a challenge.
pub(super) fn check_may_activate(
    factors: &[Factor],
    kind: FactorKind,
    actor: &Actor,
    at: Timestamp,
) -> Result<(), Refusal> {
    match kind {
        FactorKind::Passkey => {
            let within = PROVED_FOR_PASSKEY + CHALLENGED_FOR;
            check_two_factors(factors, actor, at, within)?;
            check_proved(actor, at, within)
        }
        // Whoever has its secret has enrolled it with as much.
        FactorKind::Totp | FactorKind::Other => {
            check_two_factors(factors, actor, at, PROVED_TO_ENROL + UNVERIFIED_FOR)
        }
    }
}

/// Refuses whoever has proved nothing within a time: somebody without a second factor, or that
/// one would have been asked for.
fn check_proved(actor: &Actor, at: Timestamp, within: SignedDuration) -> Result<(), Refusal> {
    if is_recent(actor.proved_at, at, within) {
        return Ok(());
    }
    let refusal = Refusal::new(
        Reason::StepUpRequired,
        format!(
            "A passkey takes a proof of the last {} min, and yours is older. Nothing was changed. Send the password to POST /v1/auth/reauthenticate, then make the call with the tokens that it returns.",
            within.as_mins()
        ),
    );
    Err(refusal
        .with("required", "fresh")
        .with("aal", if actor.two_factors { "aal2" } else { "aal1" })
        .with("enrolled", "false")
        .with("send", "a token of a new proof, from POST /v1/auth/reauthenticate")
        .with("max_age_seconds", within.as_secs().to_string()))
}

fn is_recent(proved: Option<Timestamp>, at: Timestamp, within: SignedDuration) -> bool {
    proved.is_some_and(|proved| at.duration_since(proved) <= within + LEEWAY)
}
