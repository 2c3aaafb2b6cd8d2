//! The text of a token in a link, of which only SHA-256 is stored. It is looked for by its
//! hash, so nothing secret is compared: whoever does not know the text cannot come near.

use aws_lc_rs::{digest, rand};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use super::api_key::NoRandom;

/// Bytes of a token.
const LEN: usize = 32;

/// A new token; it is written into a letter and stored nowhere.
pub fn generate() -> Result<(Zeroizing<String>, [u8; LEN]), NoRandom> {
    let mut secret = Zeroizing::new([0; LEN]);
    rand::fill(secret.as_mut()).map_err(|_| NoRandom)?;
    Ok((Zeroizing::new(URL_SAFE_NO_PAD.encode(secret.as_ref())), hash_of(secret.as_ref())))
}

/// The hash under which a token is stored; nothing for a text that is none.
pub fn read(text: &str) -> Option<[u8; LEN]> {
    if text.len() > 2 * LEN {
        return None;
    }
    let secret = Zeroizing::new(URL_SAFE_NO_PAD.decode(text.trim()).ok()?);
    (secret.len() == LEN).then(|| hash_of(&secret))
}

fn hash_of(secret: &[u8]) -> [u8; LEN] {
    let mut hash = [0; LEN];
    hash.copy_from_slice(digest::digest(&digest::SHA256, secret).as_ref());
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_reads_back_and_what_is_none_does_not() {
        let (text, hash) = generate().unwrap();
        assert_eq!((read(&text), text.len()), (Some(hash), 43));
        assert_eq!(read(&format!(" {}\n", *text)), Some(hash));
        for bad in ["", "x", &text[1..], &format!("{}A", *text), &"A".repeat(100)] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
