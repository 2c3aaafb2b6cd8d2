//! How lists are paged on the wire (AIP-158): sizes, and tokens that carry a
//! position.
//!
//! A token is a position in one list, not a capability: whoever changes it can
//! only start somewhere else in what they may read anyway.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

use crate::{ErrorReason, Refusal};

const DEFAULT_SIZE: i64 = 50;
const MAX_SIZE: i64 = 200;
/// Longer than any token of ours, whose keys have a thousand bytes at most.
const MAX_TOKEN: usize = 4096;

/// The page size that `page_size` and its alias `limit` ask for.
pub fn size(page_size: i32, limit: i32) -> Result<i64, Refusal> {
    let (field, wanted) = match (page_size, limit) {
        (_, 0) => ("page_size", page_size),
        (0, _) => ("limit", limit),
        _ => return Err(Refusal::field("limit", "is another name of page_size; send one of them")),
    };
    match i64::from(wanted) {
        0 => Ok(DEFAULT_SIZE),
        wanted if wanted < 0 => Err(Refusal::field(field, "must not be negative")),
        wanted => Ok(wanted.min(MAX_SIZE)),
    }
}

/// Splits rows, read with one more than the page takes, into the page and the
/// token of the next one.
pub fn split<T>(mut rows: Vec<T>, size: i64, token_of: impl Fn(&T) -> String) -> (Vec<T>, String) {
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    if rows.len() <= size {
        return (rows, String::new());
    }
    rows.truncate(size);
    let token = rows.last().map(token_of).unwrap_or_default();
    (rows, token)
}

/// A token for the position after a sort key and id, in the list that `list`
/// identifies: all fields of the request but the paging ones, encoded.
pub fn token(list: &[u8], key: &str, id: Uuid) -> String {
    URL_SAFE_NO_PAD
        .encode([&fingerprint(list).to_be_bytes(), id.as_bytes().as_slice(), key.as_bytes()].concat())
}

/// The position in a token; `None` without a token.
pub fn read_token(list: &[u8], token: &str) -> Result<Option<(String, Uuid)>, Refusal> {
    if token.is_empty() {
        return Ok(None);
    }
    let read = || {
        let bytes = URL_SAFE_NO_PAD.decode(Some(token).filter(|token| token.len() <= MAX_TOKEN)?).ok()?;
        let (fingerprinted, rest) = bytes.split_at_checked(8)?;
        let (id, key) = rest.split_at_checked(16)?;
        let position = (std::str::from_utf8(key).ok()?.to_owned(), Uuid::from_slice(id).ok()?);
        (fingerprinted == fingerprint(list).to_be_bytes()).then_some(position)
    };
    read().map(Some).ok_or_else(invalid_token)
}

/// The refusal of a token that is not one of this list.
pub fn invalid_token() -> Refusal {
    Refusal::new(
        ErrorReason::InvalidPageToken,
        "The page_token does not belong to this list with these filters. Start again without one.",
    )
}

/// FNV-1a: the same in every version, for replicas of different age.
fn fingerprint(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_comes_back_for_its_own_list_only() {
        let text = token(b"list", "key\n", Uuid::from_u128(1));
        assert_eq!(read_token(b"list", &text).unwrap(), Some(("key\n".to_owned(), Uuid::from_u128(1))));
        assert!(read_token(b"other", &text).is_err());
        for bad in ["!", "AAAA", &text[1..]] {
            assert!(read_token(b"list", bad).is_err(), "{bad}");
        }
        assert_eq!(read_token(b"list", "").unwrap(), None);
    }

    #[test]
    fn sizes_are_capped_and_never_negative() {
        assert_eq!(size(0, 0).unwrap(), 50);
        assert_eq!(size(7, 0).unwrap(), 7);
        assert_eq!(size(0, 1).unwrap(), 1);
        assert_eq!(size(5000, 0).unwrap(), 200);
        assert!(size(-1, 0).is_err() && size(0, -1).is_err() && size(1, 2).is_err());
    }
}
