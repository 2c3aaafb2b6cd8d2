//! The wire of evidence. Its values are named as the domain names evidence, so that a new
//! one is not written here.

use frontdesk_proto::booking::v1 as wire;

use crate::domain::approval::Evidence;

/// Its value.
pub fn value(evidence: Evidence) -> wire::ApproveEvidence {
    let name = format!("APPROVE_EVIDENCE_{}", evidence.name().to_uppercase());
    wire::ApproveEvidence::from_str_name(&name).unwrap_or(wire::ApproveEvidence::Unspecified)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_evidence_has_a_value_of_its_own() {
        let mut values: Vec<i32> = Evidence::ALL.into_iter().map(|one| value(one).into()).collect();
        assert!(!values.contains(&wire::ApproveEvidence::Unspecified.into()), "{values:?}");
        values.sort_unstable();
        values.dedup();
        assert_eq!(values.len(), Evidence::ALL.len(), "{values:?}");
        // And nothing else is on the wire.
        let known = (1..100).filter(|value| wire::ApproveEvidence::try_from(*value).is_ok());
        assert_eq!(known.collect::<Vec<i32>>(), values);
    }
}
