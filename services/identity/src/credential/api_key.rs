//! The text of API keys: `fdk_<id>_<secret>_<checksum>`. Only SHA-256 of the
//! secret is stored: 256 random bits need no slow hash.

use aws_lc_rs::{constant_time, digest, rand};
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::domain::ids::ApiKeyId;

const PREFIX: &str = "fdk_";

/// A key taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyText {
    /// Its id.
    pub id: ApiKeyId,
    /// SHA-256 of its secret.
    pub secret_hash: [u8; 32],
}

/// The system gives no random bytes.
#[derive(Debug, thiserror::Error)]
#[error("the system gives no random bytes")]
pub struct NoRandom;

impl KeyText {
    /// Makes a key; the text is shown once and stored nowhere.
    pub fn generate(id: ApiKeyId) -> Result<(Self, String), NoRandom> {
        let mut secret = Zeroizing::new([0; 32]);
        rand::fill(secret.as_mut()).map_err(|_| NoRandom)?;
        let start = format!("{PREFIX}{}_{}", id.0.simple(), to_hex(secret.as_ref()));
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
        let (id, secret) = start.strip_prefix(PREFIX)?.split_once('_')?;
        let secret = Zeroizing::new(from_hex(secret)?);
        (secret.len() == 32 && id.len() == 32).then_some(())?;
        Some(Self { id: ApiKeyId(Uuid::try_parse(id).ok()?), secret_hash: sha256(&secret) })
    }

    /// Compares with a stored hash in constant time.
    pub fn matches(&self, stored_hash: &[u8]) -> bool {
        constant_time::verify_slices_are_equal(&self.secret_hash, stored_hash).is_ok()
    }
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

    #[test]
    fn an_api_key_reads_back_and_a_mistyped_one_does_not() {
        let (key, text) = KeyText::generate(ApiKeyId(Uuid::from_u128(9))).unwrap();
        let read = KeyText::read(&text).unwrap();
        assert_eq!(read, key);
        assert!(key.matches(&read.secret_hash) && !key.matches(&[0; 32]) && !key.matches(&[]));
        for bad in ["", "fdk_", "fdk_x_y_z", &text[..text.len() - 1], &text.replace("fdk_", "fdx_")] {
            assert_eq!(KeyText::read(bad), None, "{bad}");
        }
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
    }
}
