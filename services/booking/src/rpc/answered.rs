//! How approvals were answered, for `/metrics`: by outcome and, where a request was
//! healed, by what showed that it had been confirmed.

use boot::{Count, Scrape};
use frontdesk_proto::booking::v1 as wire;

/// More than there are outcomes, and kinds of evidence.
const OUTCOMES: usize = 4;
const EVIDENCE: usize = 16;

/// Answers by the numbers of their outcome and evidence.
#[derive(Debug, Default)]
pub struct Answered([[Count; EVIDENCE]; OUTCOMES]);

impl Answered {
    /// Counts an answer; the repeated one of an idempotency key is one, too.
    pub fn add(&self, answer: &wire::ApproveBookingRequestResponse) {
        let at = |number: i32| usize::try_from(number).ok();
        if let (Some(outcome), Some(evidence)) = (at(answer.outcome), at(answer.evidence))
            && let Some(count) = self.0.get(outcome).and_then(|counts| counts.get(evidence))
        {
            count.add_one();
        }
    }

    pub fn figures(&self, scrape: &mut Scrape) {
        for (outcome, counts) in (0..).zip(&self.0) {
            let Ok(outcome) = wire::ApproveOutcome::try_from(outcome) else { continue };
            for (evidence, count) in (0..).zip(counts).filter(|(_, count)| count.get() > 0) {
                let Ok(evidence) = wire::ApproveEvidence::try_from(evidence) else { continue };
                let labels = [
                    ("outcome", word(outcome.as_str_name(), "APPROVE_OUTCOME_")),
                    ("evidence", word(evidence.as_str_name(), "APPROVE_EVIDENCE_")),
                ];
                let help = "Approvals by their outcome and what showed a request to be confirmed already.";
                scrape.count("frontdesk_approvals_total", help, &labels, count.get());
            }
        }
    }
}

/// A name of the wire without its prefix; nothing for none.
fn word(name: &'static str, prefix: &str) -> &'static str {
    match name.trim_start_matches(prefix) {
        "UNSPECIFIED" => "",
        word => word,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_outcome_and_evidence_has_its_place() {
        let answered = Answered::default();
        let numbers = |name: &str| -> Vec<i32> {
            let of = frontdesk_proto::descriptors().get_enum_by_name(name).unwrap();
            of.values().map(|value| value.number()).collect()
        };
        let (outcomes, evidence) =
            (numbers("frontdesk.booking.v1.ApproveOutcome"), numbers("frontdesk.booking.v1.ApproveEvidence"));
        for (outcome, evidence) in
            outcomes.iter().flat_map(|one| evidence.iter().map(move |other| (*one, *other)))
        {
            answered.add(&wire::ApproveBookingRequestResponse { outcome, evidence, ..Default::default() });
        }
        let counted: u64 = answered.0.iter().flatten().map(Count::get).sum();
        assert_eq!(counted, (outcomes.len() * evidence.len()) as u64);
    }
}
