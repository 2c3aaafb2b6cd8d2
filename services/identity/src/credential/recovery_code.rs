//! Codes that stand in for a second factor: four groups of four letters and digits, 80
//! random bits, so that only SHA-256 of them is stored.

use aws_lc_rs::{digest, rand};
use zeroize::Zeroizing;

use super::api_key::NoRandom;
use crate::domain::ids::UserId;

/// Crockford's base32: none is taken for another.
const LETTERS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const LEN: usize = 16;

/// A recovery code.
pub struct RecoveryCode(Zeroizing<Vec<u8>>);

impl RecoveryCode {
    /// A new one.
    pub fn generate() -> Result<Self, NoRandom> {
        let mut code = Zeroizing::new(vec![0; LEN]);
        rand::fill(&mut code).map_err(|_| NoRandom)?;
        for byte in code.iter_mut() {
            *byte = LETTERS[usize::from(*byte % 32)];
        }
        Ok(Self(code))
    }

    /// One that somebody typed, in whatever case and groups; `None` if it cannot be one.
    pub fn read(text: &str) -> Option<Self> {
        let meant = |byte: u8| match byte.to_ascii_lowercase() {
            b'o' => b'0',
            b'i' | b'l' => b'1',
            other => other,
        };
        let typed = text.bytes().filter(|byte| !matches!(byte, b' ' | b'-'));
        let code = Zeroizing::new(typed.map(meant).collect::<Vec<u8>>());
        (code.len() == LEN && code.iter().all(|byte| LETTERS.contains(byte))).then_some(Self(code))
    }

    /// As its user gets it, once.
    pub fn text(&self) -> String {
        let groups: Vec<String> =
            self.0.chunks(4).map(|four| four.iter().copied().map(char::from).collect()).collect();
        groups.join("-")
    }

    /// As it is stored, for this user alone.
    pub fn hash(&self, user: UserId) -> Vec<u8> {
        digest::digest(&digest::SHA256, &[user.0.as_bytes(), self.0.as_slice()].concat()).as_ref().to_vec()
    }
}

impl std::fmt::Debug for RecoveryCode {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("RecoveryCode")
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_code_is_read_however_it_is_typed_and_counts_for_its_user_alone() {
        let [one, other] = [1, 2].map(|id| UserId(Uuid::from_u128(id)));
        let code = RecoveryCode::generate().unwrap();
        let text = code.text();
        assert_eq!((text.len(), text.matches('-').count()), (19, 3));
        let typed = [text.to_uppercase(), text.replace('-', ""), format!(" {} ", text.replace('-', " "))];
        for typed in typed.iter().chain([&text, &text.replace('0', "O").replace('1', "l")]) {
            assert_eq!(RecoveryCode::read(typed).unwrap().hash(one), code.hash(one), "{typed}");
        }
        assert_ne!(code.hash(one), code.hash(other));
        for wrong in ["", "123456", "0000-0000-0000-000", "0000-0000-0000-00000", "0000-0000-0000-000u"] {
            assert!(RecoveryCode::read(wrong).is_none(), "{wrong}");
        }
    }
}
