//! Request ids: taken from the caller when they are harmless, else made here.

use std::time::{SystemTime, UNIX_EPOCH};

use http::{HeaderMap, HeaderName, HeaderValue};
use uuid::{NoContext, Timestamp, Uuid};

/// The header that carries a request id in both directions.
pub const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// Longest id taken from a caller, in bytes.
const MAX_LEN: usize = 64;

/// The id in the headers if it is one we can log and send on, else a new one;
/// the headers carry it afterwards.
///
/// Each call has a different one. HPACK would keep it in the table of a connection's headers
/// and push out others for it that do repeat, so it is marked as sensitive, which is never
/// kept. `Debug` hides it then.
pub fn ensure(headers: &mut HeaderMap) -> HeaderValue {
    if let Some(id) = headers.get_mut(HEADER).filter(|id| is_harmless(id)) {
        id.set_sensitive(true);
        return id.clone();
    }
    let mut id = HeaderValue::from_str(new().hyphenated().encode_lower(&mut Uuid::encode_buffer()))
        .unwrap_or_else(|_| HeaderValue::from_static("unknown"));
    id.set_sensitive(true);
    headers.insert(HEADER, id.clone());
    id
}

/// Ids of one millisecond are in no order: the counter for that is behind a lock, which all
/// requests would take.
fn new() -> Uuid {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Uuid::new_v7(Timestamp::from_unix(NoContext, now.as_secs(), now.subsec_nanos()))
}

/// An id as text.
pub fn text(id: &HeaderValue) -> &str {
    id.to_str().unwrap_or("unknown")
}

fn is_harmless(id: &HeaderValue) -> bool {
    let id = id.as_bytes();
    !id.is_empty()
        && id.len() <= MAX_LEN
        && id.iter().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(byte))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn an_id_that_could_forge_log_lines_is_replaced() {
        for (sent, kept) in
            [("abc-1.2_3", true), ("a b", false), ("a\"b", false), ("", false), (&"x".repeat(65), false)]
        {
            let mut headers = HeaderMap::new();
            headers.insert(HEADER, HeaderValue::from_str(sent).unwrap());
            let id = ensure(&mut headers);
            assert_eq!(text(&id) == sent, kept, "{sent}");
            assert_eq!(headers[HEADER], id);
            assert!(id.is_sensitive() && headers[HEADER].is_sensitive(), "HPACK would keep it");
        }
    }
    #[test]
    fn ids_that_are_made_here_differ_and_begin_with_their_time() {
        let before = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
        let ids: HashSet<Uuid> = std::iter::repeat_with(new).take(10_000).collect();
        assert_eq!(ids.len(), 10_000);
        for id in ids {
            let made = id.as_u128() >> 80;
            assert!(id.get_version_num() == 7 && made >= before && made < before + 60_000, "{id}");
        }
    }
}
