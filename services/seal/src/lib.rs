//! The master key and what is derived from it: keys that seal values for the
//! database, and keys of message authentication codes. What is sealed, and which
//! purposes there are, is not known here.
//!
//! A purpose is a text that never changes: with another text the derived key is
//! another one, and what it sealed or signed is lost.
//!
//! While a master key is being replaced it is a list: the first key seals and makes
//! codes, and whatever any of them has sealed or made is taken.

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
/// Most keys of a list: a replacement that was begun before another was over has three.
const MOST_KEYS: usize = 8;
/// What the id of a master key and the code that it is told by are made for.
const ID: &str = "frontdesk master key id v1";
const CHECK: &str = "frontdesk master key check v1";

/// The master key of a deployment; while it is being replaced, the new one and those
/// before it.
#[derive(Clone)]
pub struct MasterKey {
    first: hmac::Key,
    others: Vec<hmac::Key>,
}

/// A key that seals values (AES-256-GCM), and those that opened them before.
#[derive(Clone)]
pub struct SealingKey {
    first: Zeroizing<[u8; 32]>,
    others: Vec<Zeroizing<[u8; 32]>>,
}

/// A key of message authentication codes, and those of codes from before.
#[derive(Clone)]
pub struct MacKey {
    first: hmac::Key,
    others: Vec<hmac::Key>,
}

/// Why a key or a sealed value cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The text is not a master key.
    #[error(
        "the master key is not 32 bytes in base64 or hex, nor a list of such keys with commas between them"
    )]
    NotAMasterKey,
    /// The text is a list that no replacement needs.
    #[error("the list of master keys names one twice, or more than {MOST_KEYS}")]
    NotAList,
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
    /// Reads a master key, 32 bytes in base64 or hex, or a list of them: the first seals, all
    /// of them open.
    pub fn from_text(text: &str) -> Result<Self, SealError> {
        let mut keys = text.split(',').map(root).collect::<Result<Vec<_>, _>>()?;
        let first = keys.remove(0);
        let read = Self { first, others: keys };
        let ids: Vec<String> = read.each().map(|key| key.id()).collect();
        let is_doubled = ids.iter().enumerate().any(|(at, id)| ids[..at].contains(id));
        if is_doubled || ids.len() > MOST_KEYS { Err(SealError::NotAList) } else { Ok(read) }
    }

    /// Each key of the list by itself, the one that seals first.
    pub fn each(&self) -> impl Iterator<Item = Self> {
        let keys = std::iter::once(&self.first).chain(&self.others);
        keys.map(|key| Self { first: key.clone(), others: Vec::new() })
    }

    /// The name of the key that seals. It tells nothing about the key.
    pub fn id(&self) -> String {
        let code = hmac::sign(&self.first, ID.as_bytes());
        let start: [u8; 8] = std::array::from_fn(|at| code.as_ref()[at]);
        format!("{:016x}", u64::from_be_bytes(start))
    }

    /// The code of a constant under the key that seals, by which a database knows it again.
    pub fn check(&self) -> [u8; MAC_LEN] {
        self.mac_key(CHECK).mac(self.id().as_bytes())
    }

    /// Whether the key that seals is the one with this name and code.
    pub fn is(&self, id: &str, check: &[u8]) -> bool {
        self.id() == id && self.mac_key(CHECK).verifies(id.as_bytes(), check)
    }

    /// The key that seals values for a purpose.
    pub fn sealing_key(&self, purpose: &str) -> SealingKey {
        let derived = |root: &hmac::Key| {
            let mut key = Zeroizing::new([0; 32]);
            key.copy_from_slice(hmac::sign(root, purpose.as_bytes()).as_ref());
            key
        };
        SealingKey { first: derived(&self.first), others: self.others.iter().map(derived).collect() }
    }

    /// What the key of codes for a purpose is made of by the key that seals: for codes that are
    /// to stay the same when that is replaced.
    pub fn mac_secret(&self, purpose: &str) -> Zeroizing<[u8; 32]> {
        let mut secret = Zeroizing::new([0; 32]);
        secret.copy_from_slice(hmac::sign(&self.first, purpose.as_bytes()).as_ref());
        secret
    }

    /// The key of codes for a purpose.
    pub fn mac_key(&self, purpose: &str) -> MacKey {
        let derived = |root: &hmac::Key| {
            hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(root, purpose.as_bytes()).as_ref())
        };
        MacKey { first: derived(&self.first), others: self.others.iter().map(derived).collect() }
    }
}

impl SealingKey {
    /// Encrypts a value; `name` must be the same when it is opened.
    pub fn seal(&self, name: &str, value: &[u8]) -> Result<Vec<u8>, SealError> {
        let mut nonce = [0; NONCE_LEN];
        rand::fill(&mut nonce).map_err(|_| SealError::NoRandom)?;
        let mut sealed = value.to_vec();
        cipher(&self.first)?
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
        let mut opened = open_with(&self.first, name, sealed);
        for other in &self.others {
            if opened == Err(SealError::NotOurs) {
                opened = open_with(other, name, sealed);
            }
        }
        opened
    }

    /// Whether a value is sealed with the key that seals now, not with one before it.
    pub fn is_first(&self, name: &str, sealed: &[u8]) -> bool {
        open_with(&self.first, name, sealed).is_ok()
    }

    /// A value sealed anew with the key that seals now; `None` if it is already.
    pub fn reseal(&self, name: &str, sealed: &[u8]) -> Result<Option<Vec<u8>>, SealError> {
        if self.is_first(name, sealed) {
            return Ok(None);
        }
        self.seal(name, &self.open(name, sealed)?).map(Some)
    }
}

impl MacKey {
    /// Of what [`MasterKey::mac_secret`] gave.
    pub fn of_secret(secret: &[u8]) -> Self {
        Self { first: hmac::Key::new(hmac::HMAC_SHA256, secret), others: Vec::new() }
    }

    /// The code of a value. It tells nothing about the value.
    pub fn mac(&self, value: &[u8]) -> [u8; MAC_LEN] {
        let mut code = [0; MAC_LEN];
        code.copy_from_slice(&hmac::sign(&self.first, value).as_ref()[..MAC_LEN]);
        code
    }

    /// Whether this is the code of a value by any of the keys, compared in constant time.
    pub fn verifies(&self, value: &[u8], code: &[u8]) -> bool {
        let keys = std::iter::once(&self.first).chain(&self.others);
        keys.fold(false, |found, key| {
            let made = hmac::sign(key, value);
            found | constant_time::verify_slices_are_equal(code, &made.as_ref()[..MAC_LEN]).is_ok()
        })
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

/// One key of a list.
fn root(text: &str) -> Result<hmac::Key, SealError> {
    let text = text.trim();
    let bytes = if text.len() == 2 * MASTER_LEN { from_hex(text) } else { STANDARD.decode(text).ok() };
    let master: Zeroizing<Vec<u8>> = Zeroizing::new(bytes.unwrap_or_default());
    if master.len() != MASTER_LEN {
        return Err(SealError::NotAMasterKey);
    }
    Ok(hmac::Key::new(hmac::HMAC_SHA256, &master))
}

fn cipher(key: &[u8; 32]) -> Result<LessSafeKey, SealError> {
    let key = UnboundKey::new(&AES_256_GCM, key).map_err(|_| SealError::Cipher)?;
    Ok(LessSafeKey::new(key))
}

fn open_with(key: &[u8; 32], name: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
    let (nonce, sealed) = sealed.split_at_checked(NONCE_LEN).ok_or(SealError::NotOurs)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| SealError::NotOurs)?;
    let mut value = Zeroizing::new(sealed.to_vec());
    let len = cipher(key)?
        .open_in_place(nonce, Aad::from(name.as_bytes()), &mut value)
        .map_err(|_| SealError::NotOurs)?
        .len();
    value.truncate(len);
    Ok(value)
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
    fn a_list_seals_with_its_first_key_and_opens_what_any_of_them_sealed() {
        let (old, new) = ("ab".repeat(32), "cd".repeat(32));
        let list = |text: &str| MasterKey::from_text(text).unwrap();
        let [old, new, both] = [old.clone(), new.clone(), format!("{new}, {old}")].map(|text| list(&text));
        let sealed = old.sealing_key("p").seal("k", b"private").unwrap();
        let keys = both.sealing_key("p");
        assert_eq!(keys.open("k", &sealed).unwrap().as_slice(), b"private");
        assert!(!keys.is_first("k", &sealed));
        let anew = keys.reseal("k", &sealed).unwrap().unwrap();
        assert_eq!(new.sealing_key("p").open("k", &anew).unwrap().as_slice(), b"private");
        assert!(old.sealing_key("p").open("k", &anew).is_err());
        assert_eq!(keys.reseal("k", &anew), Ok(None));
        let codes = both.mac_key("p");
        assert!(codes.verifies(b"v", &old.mac_key("p").mac(b"v")) && codes.verifies(b"v", &codes.mac(b"v")));
        assert_eq!(codes.mac(b"v"), new.mac_key("p").mac(b"v"));
        assert_eq!(codes.mac(b"v"), MacKey::of_secret(&*both.mac_secret("p")).mac(b"v"));
        assert_eq!(both.each().map(|key| key.id()).collect::<Vec<_>>(), [new.id(), old.id()]);
    }

    #[test]
    fn a_list_names_each_key_once_and_whole() {
        let (one, two) = ("ab".repeat(32), "cd".repeat(32));
        for bad in [format!("{one},{one}"), format!("{one},{two},{one}"), vec![one.clone(); 9].join(",")] {
            assert_eq!(MasterKey::from_text(&bad).err(), Some(SealError::NotAList), "{bad}");
        }
        for bad in [format!("{one},"), format!(",{one}"), format!("{one},short"), format!("{one};{two}")] {
            assert_eq!(MasterKey::from_text(&bad).err(), Some(SealError::NotAMasterKey), "{bad}");
        }
    }

    #[test]
    fn a_key_is_known_again_by_its_name_and_code_alone() {
        let (one, two) = (master(), MasterKey::from_text(&"cd".repeat(32)).unwrap());
        assert!(one.is(&one.id(), &one.check()));
        assert!(!two.is(&one.id(), &one.check()) && !one.is(&one.id(), &two.check()));
        assert!(!one.is(&two.id(), &one.check()) && !one.is(&one.id(), &[]));
        assert_eq!(one.id().len(), 16);
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
