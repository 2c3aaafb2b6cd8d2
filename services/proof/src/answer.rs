//! What calls are answered, as far as it is compared.

use std::fmt;

use frontdesk_proto::Refusal;
use frontdesk_proto::booking::v1 as wire;
use tonic::Status;

/// What a call is answered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// What is compared with that of another run.
    pub text: String,
    /// All of it, unless it is refused.
    pub whole: String,
}

impl Answer {
    pub fn of(text: String) -> Self {
        Self { text, whole: String::new() }
    }
}

pub fn done<T: fmt::Debug>(answer: Result<tonic::Response<T>, Status>) -> Result<Answer, Status> {
    let whole = format!("{:?}", answer?.into_inner());
    Ok(Answer { text: "done".to_owned(), whole })
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
