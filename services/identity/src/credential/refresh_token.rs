//! Refresh tokens: (session, counter, code). Nothing is stored per token; what a
//! counter is worth is judged in `domain/rotation.rs`.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use seal::{MacKey, MasterKey};
use uuid::Uuid;

use crate::domain::ids::SessionId;

const PREFIX: &str = "fdr_";
const VERSION: u8 = 1;
const BODY_LEN: usize = 1 + 16 + 8;
/// Longer than any token, with whatever space somebody copied around it.
const MAX_LEN: usize = 256;

/// Writes and reads refresh tokens.
#[derive(Debug, Clone)]
pub struct RefreshTokens(MacKey);

/// A refresh token taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefreshToken {
    /// The session.
    pub session: SessionId,
    /// How often it had been exchanged before this token.
    pub counter: i64,
}

impl RefreshTokens {
    /// Those of a deployment.
    pub fn of(master_key: &MasterKey) -> Self {
        Self(master_key.mac_key("frontdesk refresh tokens v1"))
    }

    /// The text of a token.
    pub fn write(&self, token: RefreshToken) -> String {
        let body = token.body();
        format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode([&body[..], &self.0.mac(&body)].concat()))
    }

    /// Takes a token apart if we made it; space around it does not matter.
    pub fn read(&self, text: &str) -> Option<RefreshToken> {
        if text.len() > MAX_LEN {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(text.trim().strip_prefix(PREFIX)?).ok()?;
        let (body, code) = bytes.split_at_checked(BODY_LEN)?;
        if !self.0.verifies(body, code) {
            return None;
        }
        let (version, rest) = body.split_first()?;
        let (session, counter) = rest.split_at_checked(16)?;
        (*version == VERSION).then_some(())?;
        Some(RefreshToken {
            session: SessionId(Uuid::from_slice(session).ok()?),
            counter: i64::from_be_bytes(counter.try_into().ok()?),
        })
    }
}

impl RefreshToken {
    fn body(self) -> [u8; BODY_LEN] {
        let mut body = [VERSION; BODY_LEN];
        body[1..17].copy_from_slice(self.session.0.as_bytes());
        body[17..].copy_from_slice(&self.counter.to_be_bytes());
        body
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refresh_token_with_any_bit_changed_is_not_ours() {
        let tokens = RefreshTokens::of(&MasterKey::from_text(&"ab".repeat(32)).unwrap());
        let token = RefreshToken { session: SessionId(Uuid::from_u128(7)), counter: 3 };
        let text = tokens.write(token);
        assert_eq!(tokens.read(&text), Some(token));
        let bytes = URL_SAFE_NO_PAD.decode(text.strip_prefix(PREFIX).unwrap()).unwrap();
        for bit in 0..bytes.len() * 8 {
            let mut changed = bytes.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            let text = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(changed));
            assert_eq!(tokens.read(&text), None, "bit {bit}");
        }
        assert_eq!(tokens.read(&text[..text.len() - 2]), None);
        assert_eq!(tokens.read(""), None);
    }
}
