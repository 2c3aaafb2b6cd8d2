//! Headers of a REST request that say on which condition, or from where on, it is meant.

use frontdesk_proto::{ErrorReason, Refusal};
use http::header::{HeaderName, IF_NONE_MATCH};
use http::{HeaderMap, StatusCode};

use crate::answer::failure::{Failure, HttpWords};

/// What a browser sends when it comes again to a stream of events: the id of the last one.
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// Where a stream goes on, as far as the caller says so in the header of browsers, which knows
/// better than a parameter of the address that it was once opened with.
pub fn position(headers: &HeaderMap) -> Result<Option<&str>, Refusal> {
    let mut values = headers.get_all(&LAST_EVENT_ID).iter();
    let refuse = |what: &str| {
        let sentence = format!("The header last-event-id {what}. Send the id of the last event, once.");
        Refusal::new(ErrorReason::InvalidHeader, sentence).with("header", LAST_EVENT_ID.as_str())
    };
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => {
            let text = std::str::from_utf8(value.as_bytes()).map_err(|_| refuse("is not UTF-8"))?;
            Ok(Some(text.trim()).filter(|text| !text.is_empty()))
        }
        (Some(_), Some(_)) => Err(refuse("is there twice")),
    }
}

/// Refuses a change with a condition that nobody would look at (RFC 9110, 13.1.2): that
/// nothing is there is never true of what is changed, and of which version it is not another
/// header asks.
pub fn refuse_unheeded(headers: &HeaderMap) -> Result<(), Failure> {
    let Some(value) = headers.get(IF_NONE_MATCH) else { return Ok(()) };
    let refuse = |what: &str| {
        let sentence = boot::nothing_stored(&format!("{what} For a change send If-Match."), "");
        Refusal::new(ErrorReason::InvalidHeader, sentence).with("header", IF_NONE_MATCH.as_str())
    };
    if value.as_bytes().trim_ascii() == b"*" {
        let refusal = refuse("If-None-Match: * asks that nothing is at this path, and something is.");
        return Err(HttpWords::status(refusal, StatusCode::PRECONDITION_FAILED));
    }
    Err(refuse("If-None-Match with tags is for reads.").into())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn said(name: HeaderName, values: &[&[u8]]) -> HeaderMap {
        values.iter().map(|value| (name.clone(), HeaderValue::from_bytes(value).unwrap())).collect()
    }

    #[test]
    fn a_position_is_one_text() {
        for (values, expected) in [
            (&[][..], Ok(None)),
            (&[&b""[..]], Ok(None)),
            (&[b"  "], Ok(None)),
            (&[b"cursor-7"], Ok(Some("cursor-7"))),
            (&["\u{e9}".as_bytes()], Ok(Some("\u{e9}"))),
            (&[b"\xff"], Err(())),
            (&[b"a", b"a"], Err(())),
            (&[b"", b"a"], Err(())),
        ] {
            let headers = said(LAST_EVENT_ID, values);
            let found = position(&headers).map_err(|refusal| {
                assert_eq!(refusal.reason(), ErrorReason::InvalidHeader);
                assert_eq!(refusal.metadata().collect::<Vec<_>>(), [("header", "last-event-id")]);
            });
            assert_eq!(found, expected, "{values:?}");
        }
    }

    #[test]
    fn a_change_takes_no_condition_that_is_not_heeded() {
        assert!(refuse_unheeded(&HeaderMap::new()).is_ok());
        for (value, status) in [(&b"*"[..], Some(412)), (b" *", Some(412)), (b"\"v\"", None), (b"", None)] {
            let failure = refuse_unheeded(&said(IF_NONE_MATCH, &[value])).unwrap_err();
            assert!(failure.is_for(ErrorReason::InvalidHeader));
            let told = match failure {
                Failure::OfHttp(_, told) => told.status.map(|status| status.as_u16()),
                _ => None,
            };
            assert_eq!(told, status, "{value:?}");
        }
    }
}
