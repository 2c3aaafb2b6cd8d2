//! What a caller has proved, held against what a method asks. A token says what was proved
//! in its session, and when; identity says whether the user has a second factor, and
//! whether one is asked of the user anyway.
//!
//! An API key that comes alone proves nothing, and is asked nothing by a rule that takes one
//! factor of somebody; one that takes two factors of everybody is for users, and refuses it.
//! Whoever made the key over the API as a user had proved what its making asks; operator
//! commands and other keys make keys, too.

use std::time::Duration;

use frontdesk_proto::{Aal, ErrorReason, Refusal, Rule, StepUp};
use jiff::Timestamp;

use crate::caller::{Caller, sign_in_required};
use crate::kind::Acting;
use crate::proof::{Proof, SecondFactor};
use crate::token::LEEWAY;

/// Refuses a caller who has proved too little, or too long ago.
pub(crate) fn check_proof(
    rule: &Rule,
    step_up: StepUp,
    caller: &Caller,
    now: Timestamp,
) -> Result<(), Refusal> {
    if caller.user.is_none() {
        return if step_up.aal == Aal::Aal2 { Err(sign_in_required()) } else { Ok(()) };
    }
    let Caller { proof, second_factor, .. } = caller;
    let lacks_factor = needs_two_factors(rule, step_up.aal, *second_factor) && !proof.two_factors;
    let stale = step_up.fresh.filter(|fresh| !is_fresh(*proof, *fresh, now));
    if !lacks_factor && stale.is_none() {
        return Ok(());
    }
    Err(refusal(lacks_factor, stale, caller))
}

/// Refuses a user who has a second factor and has proved one in the session, as a rule of
/// `AAL_IF_ENROLLED` does: for what a method does only if it is asked to.
pub fn two_factors_if_enrolled(caller: &Caller) -> Result<(), Refusal> {
    let Caller { proof, second_factor, .. } = caller;
    if second_factor.enrolled && !proof.two_factors {
        return Err(refusal(true, None, caller));
    }
    Ok(())
}

fn needs_two_factors(rule: &Rule, aal: Aal, of: SecondFactor) -> bool {
    match (aal, rule) {
        (Aal::Aal2, _) => true,
        (Aal::Unspecified | Aal::IfEnrolled, Rule::Scoped { .. }) => of.enrolled || of.asked,
        (Aal::IfEnrolled, _) => of.enrolled,
        (Aal::Unspecified | Aal::Aal1, _) => false,
    }
}

fn is_fresh(proof: Proof, fresh: Duration, now: Timestamp) -> bool {
    let now = u64::try_from(now.as_second()).unwrap_or_default();
    // One that is yet to come, as another issuer may write it, would stay fresh until then.
    let is = |at| at <= now + LEEWAY && now.saturating_sub(at) <= fresh.as_secs() + LEEWAY;
    proof.at.is_some_and(is)
}

fn refusal(lacks_factor: bool, stale: Option<Duration>, caller: &Caller) -> Refusal {
    let Caller { proof, second_factor: of, acting, .. } = caller;
    // Whoever acts for somebody proves nothing.
    let afterwards = match acting {
        Some(Acting::Client(_)) => {
            "That is the user's to do, with a token of their own. Then exchange the token that it returns."
        }
        Some(Acting::Viewer(_)) => {
            "Do that with your own token. Then ask to see what the user sees with the token that it returns."
        }
        None => "Then make the call with the tokens that it returns.",
    };
    let (sentence, send) = match (lacks_factor, of.enrolled) {
        (true, false) => (
            "The call needs two factors, and you have no second one: POST /v1/auth/factors enrols it, and POST /v1/auth/factors/{factor_id}/verify proves it".to_owned(),
            "a token with aal2, from POST /v1/auth/factors/{factor_id}/verify",
        ),
        (true, true) => (
            "The call needs two factors, and you have proved one in this session: prove the other one with POST /v1/auth/factors/{factor_id}/verify, or POST /v1/auth/recovery-codes/use".to_owned(),
            "a token with aal2, from POST /v1/auth/factors/{factor_id}/verify",
        ),
        (false, _) => (
            format!(
                "The call needs a proof of the last {} min, and yours is older: send the password to POST /v1/auth/reauthenticate, or prove a second factor with POST /v1/auth/factors/{{factor_id}}/verify",
                stale.unwrap_or_default().as_secs().div_ceil(60)
            ),
            "a token of a new proof, from POST /v1/auth/reauthenticate",
        ),
    };
    let required: Vec<&str> =
        lacks_factor.then_some("aal2").into_iter().chain(stale.map(|_| "fresh")).collect();
    let refusal =
        Refusal::new(ErrorReason::StepUpRequired, format!("{sentence}. {afterwards} Nothing was done."))
            .with("required", required.join(" "))
            .with("aal", if proof.two_factors { "aal2" } else { "aal1" })
            .with("enrolled", of.enrolled.to_string())
            .with("send", send);
    let refusal = match stale {
        Some(fresh) => refusal.with("max_age_seconds", fresh.as_secs().to_string()),
        None => refusal,
    };
    match proof.at.filter(|_| stale.is_some()) {
        Some(at) => refusal.with("proved_at", at.to_string()),
        None => refusal,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use uuid::Uuid;

    use super::*;
    use crate::caller::User;

    const NOW: i64 = 1_800_000_000;

    fn caller(two_factors: bool, age: Option<u64>, second_factor: SecondFactor) -> Caller {
        let at = age.map(|age| NOW.unsigned_abs() - age);
        Caller {
            user: Some(User { id: Uuid::nil(), session: Uuid::nil() }),
            second_factor,
            proof: Proof { two_factors, at, second_at: None },
            ..Caller::nobody(&Arc::from("/x"))
        }
    }

    fn scoped() -> Rule {
        Rule::Scoped { scopes: vec!["bookings:view".to_owned()], api_key_required: false }
    }

    fn required(rule: &Rule, step_up: StepUp, caller: &Caller) -> Option<String> {
        let refused = check_proof(rule, step_up, caller, Timestamp::from_second(NOW).unwrap()).err()?;
        assert_eq!(refused.reason(), ErrorReason::StepUpRequired);
        let (_, required) = refused.metadata().find(|(name, _)| *name == "required").unwrap();
        Some(required.to_owned())
    }

    #[test]
    fn whoever_acts_for_somebody_is_told_who_can_prove_it() {
        let told = |acting| {
            let caller =
                Caller { acting, ..caller(false, None, SecondFactor { enrolled: true, asked: false }) };
            let now = Timestamp::from_second(NOW).unwrap();
            let step_up = StepUp { aal: Aal::Aal1, fresh: Some(Duration::from_mins(1)) };
            check_proof(&scoped(), step_up, &caller, now).unwrap_err().message().to_owned()
        };
        assert!(told(Some(Acting::Client(Uuid::nil()))).contains("exchange the token"));
        assert!(told(Some(Acting::Viewer(Uuid::nil()))).contains("with your own token"));
        assert!(told(None).contains("make the call with the tokens"));
    }

    #[test]
    fn two_factors_are_asked_of_those_who_have_them_or_need_them() {
        let of = |enrolled, asked| SecondFactor { enrolled, asked };
        for (rule, aal, second_factor, asks) in [
            (scoped(), Aal::Unspecified, of(false, false), false),
            (scoped(), Aal::Unspecified, of(true, false), true),
            (scoped(), Aal::Unspecified, of(false, true), true),
            (scoped(), Aal::IfEnrolled, of(false, false), false),
            (scoped(), Aal::IfEnrolled, of(true, false), true),
            (scoped(), Aal::IfEnrolled, of(false, true), true),
            (scoped(), Aal::Aal2, of(false, false), true),
            (Rule::SignedIn, Aal::Aal1, of(true, true), false),
            (Rule::SignedIn, Aal::IfEnrolled, of(true, false), true),
            // Or nobody of whom it is asked could enrol one.
            (Rule::SignedIn, Aal::IfEnrolled, of(false, true), false),
            (Rule::SignedIn, Aal::Aal2, of(false, false), true),
            (Rule::AnyCredential, Aal::Unspecified, of(true, true), false),
        ] {
            let step_up = StepUp { fresh: None, aal };
            let answer = required(&rule, step_up, &caller(false, Some(0), second_factor));
            assert_eq!(answer.as_deref(), asks.then_some("aal2"), "{rule:?} {aal:?} {second_factor:?}");
            assert_eq!(required(&rule, step_up, &caller(true, Some(0), second_factor)), None);
            let key_alone = Caller { user: None, ..caller(false, None, second_factor) };
            let answer = check_proof(&rule, step_up, &key_alone, Timestamp::from_second(NOW).unwrap());
            let refused = answer.err().map(|refusal| refusal.reason());
            assert_eq!(refused, (aal == Aal::Aal2).then_some(ErrorReason::SignInRequired));
        }
    }

    #[test]
    fn a_proof_is_fresh_for_as_long_as_the_rule_says() {
        let step_up = StepUp { fresh: Some(Duration::from_mins(5)), aal: Aal::Unspecified };
        let none = SecondFactor::default();
        for (age, asks) in [(Some(0), false), (Some(305), false), (Some(306), true), (None, true)] {
            let answer = required(&scoped(), step_up, &caller(true, age, none));
            assert_eq!(answer.as_deref(), asks.then_some("fresh"), "{age:?}");
        }
        for (ahead, asks) in [(LEEWAY, false), (LEEWAY + 1, true), (u64::MAX - NOW.unsigned_abs(), true)] {
            let at = Some(NOW.unsigned_abs() + ahead);
            let proof = Proof { two_factors: true, at, second_at: None };
            let early = Caller { proof, ..caller(true, None, none) };
            let answer = required(&scoped(), step_up, &early);
            assert_eq!(answer.as_deref(), asks.then_some("fresh"), "{ahead} s ahead");
        }
        let enrolled = SecondFactor { enrolled: true, asked: false };
        let both = required(&scoped(), step_up, &caller(false, Some(3600), enrolled));
        assert_eq!(both.as_deref(), Some("aal2 fresh"));
    }
}
