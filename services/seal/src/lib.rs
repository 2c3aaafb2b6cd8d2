//! The master key and what is derived from it: keys that seal values for the
//! database, and keys of message authentication codes. What is sealed, and which
//! purposes there are, is not known here.
//!
//! A purpose is a text that never changes: with another text the derived key is
//! another one, and what it sealed or signed is lost.

use std::str::FromStr;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::{constant_time, hmac, rand};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

/// Length of a code in bytes: 128 bits of HMAC-SHA-256.
pub const MAC_LEN: usize = 16;
/// Length of the master key in bytes.
const MASTER_LEN: usize = 32;

/// The master key of a deployment.
#[derive(Clone)]
pub struct MasterKey {
    root: hmac::Key,
}

/// A key that seals values (AES-256-GCM).
#[derive(Clone)]
pub struct SealingKey(Zeroizing<[u8; 32]>);

/// A key of message authentication codes.
#[derive(Clone)]
pub struct MacKey(hmac::Key);

/// Why a key or a sealed value cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The text is not a master key.
    #[error("the master key is not 32 bytes in base64 or hex; make one with `openssl rand -base64 32`")]
    NotAMasterKey,
    /// The value was sealed with another key or under another name, or was changed.
    #[error("it was sealed under another master key; set the one that it was made with")]
    NotOurs,
    /// The system gives no random bytes.
    #[error("the system gives no random bytes")]
    NoRandom,
    /// The cipher refused its input.
    #[error("a value could not be sealed")]
    Cipher,
}

impl FromStr for MasterKey {
    type Err = SealError;

    fn from_str(text: &str) -> Result<Self, SealError> {
        Self::from_text(text)
    }
}

impl MasterKey {
    /// Reads a master key: 32 bytes in base64 or hex.
    pub fn from_text(text: &str) -> Result<Self, SealError> {
        let text = text.trim();
        let bytes = if text.len() == 2 * MASTER_LEN { from_hex(text) } else { STANDARD.decode(text).ok() };
        let master: Zeroizing<Vec<u8>> = Zeroizing::new(bytes.unwrap_or_default());
        if master.len() != MASTER_LEN {
            return Err(SealError::NotAMasterKey);
        }
        Ok(Self { root: hmac::Key::new(hmac::HMAC_SHA256, &master) })
    }

    /// The key that seals values for a purpose.
    pub fn sealing_key(&self, purpose: &str) -> SealingKey {
        let mut key = Zeroizing::new([0; 32]);
        key.copy_from_slice(hmac::sign(&self.root, purpose.as_bytes()).as_ref());
        SealingKey(key)
    }

    /// The key of codes for a purpose.
    pub fn mac_key(&self, purpose: &str) -> MacKey {
        let key = hmac::sign(&self.root, purpose.as_bytes());
        MacKey(hmac::Key::new(hmac::HMAC_SHA256, key.as_ref()))
    }
}

impl SealingKey {
    /// Encrypts a value; `name` must be the same when it is opened.
    pub fn seal(&self, name: &str, value: &[u8]) -> Result<Vec<u8>, SealError> {
        let mut nonce = [0; NONCE_LEN];
        rand::fill(&mut nonce).map_err(|_| SealError::NoRandom)?;
        let mut sealed = value.to_vec();
        self.cipher()?
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(name.as_bytes()),
                &mut sealed,
            )
            .map_err(|_| SealError::Cipher)?;
        Ok([&nonce, sealed.as_slice()].concat())
    }

    /// Decrypts what [`Self::seal`] made.
    pub fn open(&self, name: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let (nonce, sealed) = sealed.split_at_checked(NONCE_LEN).ok_or(SealError::NotOurs)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| SealError::NotOurs)?;
        let mut value = Zeroizing::new(sealed.to_vec());
        let len = self
            .cipher()?
            .open_in_place(nonce, Aad::from(name.as_bytes()), &mut value)
            .map_err(|_| SealError::NotOurs)?
            .len();
        value.truncate(len);
        Ok(value)
    }

    fn cipher(&self) -> Result<LessSafeKey, SealError> {
        let key = UnboundKey::new(&AES_256_GCM, self.0.as_ref()).map_err(|_| SealError::Cipher)?;
        Ok(LessSafeKey::new(key))
    }
}

impl MacKey {
    /// The code of a value. It tells nothing about the value.
    pub fn mac(&self, value: &[u8]) -> [u8; MAC_LEN] {
        let mut code = [0; MAC_LEN];
        code.copy_from_slice(&hmac::sign(&self.0, value).as_ref()[..MAC_LEN]);
        code
    }

    /// Whether this is the code of a value, compared in constant time.
    pub fn verifies(&self, value: &[u8], code: &[u8]) -> bool {
        constant_time::verify_slices_are_equal(code, &self.mac(value)).is_ok()
    }
}

impl std::fmt::Debug for MasterKey {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("MasterKey")
    }
}

impl std::fmt::Debug for SealingKey {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("SealingKey")
    }
}

impl std::fmt::Debug for MacKey {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("MacKey")
    }
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let is_hex = text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    if !is_hex {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn master() -> MasterKey {
        MasterKey::from_text(&"ab".repeat(32)).unwrap()
    }

    #[test]
    fn a_master_key_of_the_wrong_length_is_refused() {
        for bad in ["", "short", &"ab".repeat(31), &"zz".repeat(32), &STANDARD.encode([1; 31])] {
            assert!(MasterKey::from_text(bad).is_err(), "{bad}");
        }
        assert!(MasterKey::from_text(&STANDARD.encode([1; 32])).is_ok());
    }

    #[test]
    fn sealed_values_open_under_the_same_key_purpose_and_name_only() {
        let key = master().sealing_key("one");
        let sealed = key.seal("k1", b"private").unwrap();
        assert_eq!(key.open("k1", &sealed).unwrap().as_slice(), b"private");
        assert_eq!(key.open("k2", &sealed), Err(SealError::NotOurs));
        assert!(master().sealing_key("two").open("k1", &sealed).is_err());
        let other = MasterKey::from_text(&"cd".repeat(32)).unwrap();
        assert!(other.sealing_key("one").open("k1", &sealed).is_err());
        assert!(key.open("k1", &sealed[..5]).is_err());
    }

    #[test]
    fn a_code_belongs_to_its_value_and_purpose() {
        let key = master().mac_key("one");
        let code = key.mac(b"value");
        assert!(key.verifies(b"value", &code) && !key.verifies(b"other", &code));
        assert!(!key.verifies(b"value", &code[..8]) && !master().mac_key("two").verifies(b"value", &code));
    }

    #[test]
    fn derived_keys_are_those_of_every_version() {
        // What deployments have stored must stay readable.
        let code = master().mac_key("frontdesk refresh tokens v1").mac(b"value");
        assert_eq!(STANDARD.encode(code), "M/JEzYaq/t/zmcJ88Z4Bnw==");
        let sealed = STANDARD.decode("AAECAwQFBgcICQoLnoZBjZxins9coXy7F9bCBuVXcXvmcBM=").unwrap();
        let key = master().sealing_key("frontdesk seal signing keys v1");
        assert_eq!(key.open("k1", &sealed).unwrap().as_slice(), b"private");
    }
}
