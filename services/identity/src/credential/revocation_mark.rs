//! Opaque marks of what an answer about a caller depends on. Whoever got the answer knows
//! them; to anybody else they say nothing, neither whom they are about nor of what kind
//! they are.

use seal::{MacKey, MasterKey};
use uuid::{Builder, Uuid};
use zeroize::Zeroizing;

use crate::domain::ids::SessionId;
use crate::domain::revocation::MarkKind;

/// Makes marks, the same ones in every process of a deployment.
#[derive(Debug, Clone)]
pub struct Marker(MacKey);

impl Marker {
    /// What marks are made with in a deployment that begins: versions before this one make
    /// them with what is derived from the master key.
    pub fn first_key(master_key: &MasterKey) -> Zeroizing<[u8; 32]> {
        master_key.mac_secret("frontdesk revocation marks v1")
    }

    /// That of a deployment, by the key that its database keeps.
    pub fn of(key: &[u8]) -> Self {
        Self(MacKey::of_secret(key))
    }

    /// The mark of one thing.
    pub fn mark(&self, kind: MarkKind, subject: impl std::fmt::Display) -> access::Mark {
        let code = self.0.mac(format!("{} {subject}", kind.word()).as_bytes());
        let mut mark = access::Mark::default();
        mark.iter_mut().zip(code).for_each(|(byte, of)| *byte = of);
        mark
    }
}

impl Marker {
    /// What stands for a session where people read who may not know its id: whoever has that
    /// is closer to making up its tokens.
    pub fn stand_in(&self, session: SessionId) -> Uuid {
        Builder::from_custom_bytes(self.0.mac(format!("stands for {session}").as_bytes())).into_uuid()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_of_one_thing_in_one_deployment() {
        let marker =
            |byte: &str| Marker::of(&*Marker::first_key(&MasterKey::from_text(&byte.repeat(32)).unwrap()));
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
