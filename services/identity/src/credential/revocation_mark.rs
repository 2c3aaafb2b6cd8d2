//! Opaque marks of what an answer about a caller depends on. Whoever got the answer knows
//! them; to anybody else they say nothing, neither whom they are about nor of what kind
//! they are.

use seal::{MacKey, MasterKey};

use crate::domain::revocation::MarkKind;

/// Makes marks, the same ones in every process of a deployment.
#[derive(Debug, Clone)]
pub struct Marker(MacKey);

impl Marker {
    /// That of a deployment.
    pub fn of(master_key: &MasterKey) -> Self {
        Self(master_key.mac_key("frontdesk revocation marks v1"))
    }

    /// The mark of one thing.
    pub fn mark(&self, kind: MarkKind, subject: impl std::fmt::Display) -> access::Mark {
        let code = self.0.mac(format!("{} {subject}", kind.word()).as_bytes());
        let mut mark = access::Mark::default();
        mark.iter_mut().zip(code).for_each(|(byte, of)| *byte = of);
        mark
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_of_one_thing_in_one_deployment() {
        let marker = |byte: &str| Marker::of(&MasterKey::from_text(&byte.repeat(32)).unwrap());
        let mark = marker("ab").mark(MarkKind::User, "x");
        assert_eq!(mark, marker("ab").mark(MarkKind::User, "x"));
        for other in [
            marker("ab").mark(MarkKind::User, "y"),
            marker("ab").mark(MarkKind::Session, "x"),
            marker("cd").mark(MarkKind::User, "x"),
        ] {
            assert_ne!(mark, other);
        }
    }
}
