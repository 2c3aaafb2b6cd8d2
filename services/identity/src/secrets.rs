//! The master key and what is derived from it: sealing of private keys and the
//! MAC of refresh tokens.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::{constant_time, digest, hmac, rand};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use uuid::Uuid;
use zeroize::Zeroizing;

const NONCE_LEN: usize = 12;
const MAC_LEN: usize = 16;
const REFRESH_PREFIX: &str = "fdr_";
const API_KEY_PREFIX: &str = "fdk_";

/// Keys derived from the master key.
#[derive(Clone)]
pub struct Secrets {
    sealing: Zeroizing<[u8; 32]>,
    refresh: hmac::Key,
    buckets: hmac::Key,
}

/// A refresh token taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefreshToken {
    /// The session.
    pub session: Uuid,
    /// How often it had been exchanged before this token.
    pub counter: i64,
}

/// A tenant API key taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ApiKey {
    /// Its id.
    pub id: Uuid,
    /// SHA-256 of its secret.
    pub secret_hash: [u8; 32],
}

/// The system could not give random bytes, or a sealed value is not ours.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct SecretsError(&'static str);

impl Secrets {
    /// Reads a master key: 32 bytes in base64 or hex.
    pub fn from_master_key(text: &str) -> Result<Self, SecretsError> {
        let text = text.trim();
        let bytes = if text.len() == 64 { from_hex(text) } else { STANDARD.decode(text).ok() };
        let master: Zeroizing<Vec<u8>> = Zeroizing::new(bytes.unwrap_or_default());
        if master.len() != 32 {
            return Err(SecretsError(
                "the master key is not 32 bytes in base64 or hex; make one with `openssl rand -base64 32`",
            ));
        }
        let root = hmac::Key::new(hmac::HMAC_SHA256, &master);
        let mut sealing = Zeroizing::new([0; 32]);
        sealing.copy_from_slice(hmac::sign(&root, b"frontdesk seal signing keys v1").as_ref());
        let derived = |name: &[u8]| hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&root, name).as_ref());
        let (refresh, buckets) =
            (derived(b"frontdesk refresh tokens v1"), derived(b"frontdesk login buckets v1"));
        Ok(Self { sealing, refresh, buckets })
    }

    /// Encrypts a value; `name` must be the same when it is opened.
    pub fn seal(&self, name: &str, value: &[u8]) -> Result<Vec<u8>, SecretsError> {
        let nonce: [u8; NONCE_LEN] = random()?;
        let mut sealed = value.to_vec();
        self.key()?
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(name.as_bytes()),
                &mut sealed,
            )
            .map_err(|_| SecretsError("a value could not be sealed"))?;
        Ok([&nonce, sealed.as_slice()].concat())
    }

    /// Decrypts what [`Self::seal`] made.
    pub fn open(&self, name: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SecretsError> {
        const NOT_OURS: SecretsError = SecretsError(
            "a signing key in the database was sealed under another master key; set the one it was made with",
        );
        let (nonce, sealed) = sealed.split_at_checked(NONCE_LEN).ok_or(NOT_OURS)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| NOT_OURS)?;
        let mut value = Zeroizing::new(sealed.to_vec());
        let len = self
            .key()?
            .open_in_place(nonce, Aad::from(name.as_bytes()), &mut value)
            .map_err(|_| NOT_OURS)?
            .len();
        value.truncate(len);
        Ok(value)
    }

    /// The text of a refresh token.
    pub fn refresh_token(&self, token: RefreshToken) -> String {
        let body = token.body();
        let mac = hmac::sign(&self.refresh, &body);
        format!("{REFRESH_PREFIX}{}", URL_SAFE_NO_PAD.encode([&body, &mac.as_ref()[..MAC_LEN]].concat()))
    }

    /// Takes a refresh token apart if we made it.
    pub fn read_refresh_token(&self, text: &str) -> Option<RefreshToken> {
        let bytes = URL_SAFE_NO_PAD.decode(text.strip_prefix(REFRESH_PREFIX)?).ok()?;
        let (body, mac) = bytes.split_at_checked(RefreshToken::BODY_LEN)?;
        let expected = hmac::sign(&self.refresh, body);
        constant_time::verify_slices_are_equal(mac, &expected.as_ref()[..MAC_LEN]).ok()?;
        let (version, rest) = body.split_first()?;
        let (session, counter) = rest.split_at_checked(16)?;
        (*version == RefreshToken::VERSION).then_some(())?;
        Some(RefreshToken {
            session: Uuid::from_slice(session).ok()?,
            counter: i64::from_be_bytes(counter.try_into().ok()?),
        })
    }

    /// A name for what `parts` are, which tells nothing about them.
    pub fn bucket(&self, parts: &[&str]) -> Vec<u8> {
        hmac::sign(&self.buckets, parts.join("\0").as_bytes()).as_ref()[..MAC_LEN].to_vec()
    }

    fn key(&self) -> Result<LessSafeKey, SecretsError> {
        UnboundKey::new(&AES_256_GCM, self.sealing.as_ref())
            .map(LessSafeKey::new)
            .map_err(|_| SecretsError("the sealing key cannot be used"))
    }
}

impl RefreshToken {
    const VERSION: u8 = 1;
    const BODY_LEN: usize = 1 + 16 + 8;

    fn body(self) -> [u8; Self::BODY_LEN] {
        let mut body = [Self::VERSION; Self::BODY_LEN];
        body[1..17].copy_from_slice(self.session.as_bytes());
        body[17..].copy_from_slice(&self.counter.to_be_bytes());
        body
    }
}

impl ApiKey {
    /// Makes a key; the text is shown once and stored nowhere.
    pub fn generate(id: Uuid) -> Result<(Self, String), SecretsError> {
        let secret: Zeroizing<[u8; 32]> = Zeroizing::new(random()?);
        let start = format!("{API_KEY_PREFIX}{}_{}", id.simple(), to_hex(secret.as_ref()));
        let text = format!("{start}_{:08x}", crc32(start.as_bytes()));
        Ok((Self { id, secret_hash: sha256(secret.as_ref()) }, text))
    }

    /// Takes a key apart. The checksum tells a mistyped key from a wrong one
    /// without the database.
    pub fn read(text: &str) -> Option<Self> {
        let (start, crc) = text.rsplit_once('_')?;
        if crc != format!("{:08x}", crc32(start.as_bytes())) {
            return None;
        }
        let (id, secret) = start.strip_prefix(API_KEY_PREFIX)?.split_once('_')?;
        let secret = Zeroizing::new(from_hex(secret)?);
        (secret.len() == 32 && id.len() == 32).then_some(())?;
        Some(Self { id: Uuid::try_parse(id).ok()?, secret_hash: sha256(&secret) })
    }

    /// Compares with a stored hash in constant time.
    pub fn matches(&self, stored_hash: &[u8]) -> bool {
        constant_time::verify_slices_are_equal(&self.secret_hash, stored_hash).is_ok()
    }
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Secrets")
    }
}

fn random<const LEN: usize>() -> Result<[u8; LEN], SecretsError> {
    let mut bytes = [0; LEN];
    rand::fill(&mut bytes).map_err(|_| SecretsError("the system gives no random bytes"))?;
    Ok(bytes)
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
    hash
}

/// CRC-32 (ISO 3309), as in gzip.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| {
        (0..8).fold(
            crc ^ u32::from(*byte),
            |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 },
        )
    })
}

fn to_hex(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    bytes.iter().flat_map(|byte| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]).collect()
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2)
        || !text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
    {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets() -> Secrets {
        Secrets::from_master_key(&"ab".repeat(32)).unwrap()
    }

    #[test]
    fn a_master_key_of_the_wrong_length_is_refused() {
        for bad in ["", "short", &"ab".repeat(31), &STANDARD.encode([1; 31])] {
            assert!(Secrets::from_master_key(bad).is_err(), "{bad}");
        }
        assert!(Secrets::from_master_key(&STANDARD.encode([1; 32])).is_ok());
    }

    #[test]
    fn sealed_values_open_under_the_same_key_and_name_only() {
        let sealed = secrets().seal("k1", b"private").unwrap();
        assert_eq!(secrets().open("k1", &sealed).unwrap().as_slice(), b"private");
        assert!(secrets().open("k2", &sealed).is_err());
        assert!(Secrets::from_master_key(&"cd".repeat(32)).unwrap().open("k1", &sealed).is_err());
        assert!(secrets().open("k1", &sealed[..5]).is_err());
    }

    #[test]
    fn a_refresh_token_with_any_bit_changed_is_not_ours() {
        let token = RefreshToken { session: Uuid::from_u128(7), counter: 3 };
        let text = secrets().refresh_token(token);
        assert_eq!(secrets().read_refresh_token(&text), Some(token));
        let bytes = URL_SAFE_NO_PAD.decode(text.strip_prefix(REFRESH_PREFIX).unwrap()).unwrap();
        for bit in 0..bytes.len() * 8 {
            let mut changed = bytes.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            let text = format!("{REFRESH_PREFIX}{}", URL_SAFE_NO_PAD.encode(changed));
            assert_eq!(secrets().read_refresh_token(&text), None, "bit {bit}");
        }
        assert_eq!(secrets().read_refresh_token(&text[..text.len() - 2]), None);
        assert_eq!(secrets().read_refresh_token(""), None);
    }

    #[test]
    fn an_api_key_reads_back_and_a_mistyped_one_does_not() {
        let (key, text) = ApiKey::generate(Uuid::from_u128(9)).unwrap();
        let read = ApiKey::read(&text).unwrap();
        assert_eq!(read, key);
        assert!(key.matches(&read.secret_hash) && !key.matches(&[0; 32]) && !key.matches(&[]));
        for bad in ["", "fdk_", "fdk_x_y_z", &text[..text.len() - 1], &text.replace("fdk_", "fdx_")] {
            assert_eq!(ApiKey::read(bad), None, "{bad}");
        }
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
    }
}
