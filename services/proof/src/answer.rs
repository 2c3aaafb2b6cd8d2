//! What calls are answered, as far as it is compared.

use std::fmt;

use frontdesk_proto::Refusal;
use frontdesk_proto::booking::v1 as wire;
use tonic::Status;

/// What a call is answered.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Answer {
    /// What is compared with that of another run.
    pub text: String,
    /// All of it, unless it is refused.
    pub whole: String,
    /// Of an approve.
    pub said: Option<Said>,
}

/// What an approve says, or its explanation.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Said {
    /// What is done, and by what evidence, or the reason of the refusal.
    pub what: String,
    /// In words, which name what is in the way, and what else may be done.
    pub message: String,
    /// Which nights are covered then, and by what; of a refusal, nothing.
    pub fulfilment: Option<wire::Fulfilment>,
}

impl Answer {
    pub fn of(text: String) -> Self {
        Self { text, ..Self::default() }
    }

    pub fn approved(answer: &wire::ApproveBookingRequestResponse) -> Self {
        let text = granted(answer.outcome(), answer.evidence());
        let (message, fulfilment) = (answer.message.clone(), answer.fulfilment.clone());
        let said = Some(Said { what: text.clone(), message, fulfilment });
        Self { text, whole: format!("{answer:?}"), said }
    }

    pub fn not_approved(status: &Status) -> Self {
        let said = Refusal::from_status(status).map(|refusal| Said {
            what: refusal.name().to_owned(),
            message: refusal.message().to_owned(),
            fulfilment: None,
        });
        Self { said, ..Self::of(answer_of(status)) }
    }
}

impl Said {
    pub fn explained(answer: wire::ExplainApprovalResponse) -> Self {
        let (what, fulfilment) = if answer.would_succeed {
            (granted(answer.outcome(), answer.evidence()), answer.fulfilment)
        } else {
            (answer.refusal_reason, None)
        };
        Self { what, message: answer.message, fulfilment }
    }

    /// Whether an approve says what was explained. A booking that it makes has no name before.
    pub fn is_as(&self, explained: &Self) -> bool {
        let mut own = self.clone();
        if let (Some(fulfilment), Some(known)) = (&mut own.fulfilment, &explained.fulfilment)
            && known.booking_id.is_empty()
        {
            fulfilment.booking_id.clear();
        }
        own == *explained
    }
}

pub fn done<T: fmt::Debug>(answer: Result<tonic::Response<T>, Status>) -> Result<Answer, Status> {
    let whole = format!("{:?}", answer?.into_inner());
    Ok(Answer { whole, ..Answer::of("done".to_owned()) })
}

pub fn granted(outcome: wire::ApproveOutcome, evidence: wire::ApproveEvidence) -> String {
    let short = |name: &str, prefix: &str| name.trim_start_matches(prefix).to_lowercase();
    let outcome = short(outcome.as_str_name(), "APPROVE_OUTCOME_");
    let evidence = short(evidence.as_str_name(), "APPROVE_EVIDENCE_");
    if evidence == "unspecified" { outcome } else { format!("{outcome} by {evidence}") }
}

pub fn answer_of(status: &Status) -> String {
    match Refusal::from_status(status) {
        Some(refusal) => refused(&refusal),
        None => format!("BARE {:?}: {}", status.code(), status.message()),
    }
}

pub fn refused(refusal: &Refusal) -> String {
    let is_shown = |(name, _): &(&str, &str)| ["conflict_kind", "state", "inconsistency"].contains(name);
    let shown: Vec<&str> = refusal.metadata().filter(is_shown).map(|(_, value)| value).collect();
    [&[refusal.name()][..], &shown[..]].concat().join(" ")
}
