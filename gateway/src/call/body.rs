//! The body of a request, within its limit, its time and the room that there is for bodies.

use bytes::{Bytes, BytesMut};
use frontdesk_proto::{ErrorReason, Refusal};
use http::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_TYPE, HeaderName};
use http::{HeaderMap, HeaderValue, Method};
use http_body::Body as _;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use tonic::body::Body;

use super::deadline;
use crate::answer::encoding;
use crate::answer::failure::{Failure, no_room_for_request, too_large};
use crate::answer::held::Held;

/// Most bytes of a REST request's body, also after it is inflated.
pub const MAX_REST: usize = 1024 * 1024;

/// Reads a whole body of at most `limit` bytes.
pub async fn read(body: Body, limit: usize) -> Result<Bytes, Refusal> {
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    // What says that it is too long need not come.
    if body.size_hint().lower() > limit as u64 {
        return Err(too_large(limit));
    }
    deadline::body(collected(Limited::new(body, limit), limit)).await?
}

/// Reads a whole body with these headers and takes its encoding off: at most `limit` bytes
/// before and after.
pub async fn inflated(headers: &HeaderMap, body: Body, limit: usize) -> Result<Bytes, Refusal> {
    encoding::decoded(headers, read(body, limit).await?, limit)
}

/// The parts of a body as one; mostly there is one, which is not copied.
async fn collected(mut body: Limited<Body>, limit: usize) -> Result<Bytes, Refusal> {
    // Of tiny parts a list would take many times as much as they.
    let (mut first, mut all, mut held) = (Bytes::new(), BytesMut::new(), Held::nothing());
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| {
            if error.is::<LengthLimitError>() {
                return too_large(limit);
            }
            broken_off_early()
        })?;
        // Trailers say nothing.
        let Ok(part) = frame.into_data() else { continue };
        held.add(part.len()).map_err(no_room_for_request)?;
        if first.is_empty() {
            first = part;
            continue;
        }
        if all.is_empty() {
            all.extend_from_slice(&first);
        }
        all.extend_from_slice(&part);
    }
    Ok(held.with(if all.is_empty() { first } else { all.freeze() }))
}

const BROKEN_OFF: &str = "The body broke off before its end.";

/// The refusal of a body that ended too early.
pub fn broken_off() -> Refusal {
    Refusal::new(ErrorReason::MalformedRequest, BROKEN_OFF)
}

/// The same, of one that was to be read whole before anything is done.
fn broken_off_early() -> Refusal {
    Refusal::new(ErrorReason::MalformedRequest, boot::nothing_stored(BROKEN_OFF, ""))
}

/// The header by which a route says what it takes as the body of this method.
pub fn accepting(method: &Method) -> HeaderName {
    const POST: HeaderName = HeaderName::from_static("accept-post");
    const PATCH: HeaderName = HeaderName::from_static("accept-patch");
    match *method {
        Method::POST => POST,
        Method::PATCH => PATCH,
        _ => ACCEPT,
    }
}

/// A refusal of what was sent, which names what is taken instead: the codings or the types
/// (RFC 9110, 15.5.16; RFC 5789, 3.1).
pub fn named(failure: Failure, method: &Method, headers: &HeaderMap, types: &str) -> Failure {
    if !failure.is_for(ErrorReason::UnsupportedMediaType) {
        return failure;
    }
    if encoding::is_gzip(headers).is_err() {
        return failure.taking(ACCEPT_ENCODING, HeaderValue::from_static("gzip, identity"));
    }
    match HeaderValue::from_str(types) {
        Ok(types) => failure.taking(accepting(method), types),
        Err(_) => failure,
    }
}

/// Refuses a body that does not say it is JSON.
pub fn check_json(headers: &HeaderMap) -> Result<(), Refusal> {
    let refuse = |what: String| {
        Err(Refusal::new(
            ErrorReason::UnsupportedMediaType,
            boot::nothing_stored(
                &format!("{what} This API takes JSON: send `Content-Type: application/json`."),
                "",
            ),
        ))
    };
    let Some(value) = headers.get(CONTENT_TYPE) else {
        return refuse("The body has no content type.".to_owned());
    };
    let text = String::from_utf8_lossy(value.as_bytes()).to_ascii_lowercase();
    let mut parts = text.split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default();
    let is_json =
        essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"));
    let other_charset = parts.any(|part| {
        part.strip_prefix("charset=").is_some_and(|charset| charset.trim_matches('"') != "utf-8")
    });
    if is_json && !other_charset {
        return Ok(());
    }
    refuse(format!("The content type {} is not taken.", text.chars().take(100).collect::<String>()))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures::stream::{self, StreamExt};
    use http_body::Frame;
    use http_body_util::StreamBody;
    use tonic::Status;

    use super::*;

    /// A part of a body, which is counted as long as anybody keeps it.
    struct Part(Arc<AtomicUsize>);

    impl AsRef<[u8]> for Part {
        fn as_ref(&self) -> &[u8] {
            b"x"
        }
    }

    impl Drop for Part {
        fn drop(&mut self) {
            self.0.fetch_sub(1, Ordering::Relaxed);
        }
    }

    #[tokio::test]
    async fn of_a_body_in_tiny_parts_nothing_is_kept_but_its_bytes() {
        const PARTS: usize = 50_000;
        let (kept, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let parts = {
            let most = Arc::clone(&most);
            stream::iter(0..PARTS).map(move |_| {
                most.fetch_max(kept.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
                Ok::<_, Status>(Frame::data(Bytes::from_owner(Part(Arc::clone(&kept)))))
            })
        };
        let body = read(Body::new(StreamBody::new(parts)), MAX_REST).await.unwrap();
        assert_eq!(body.len(), PARTS);
        // Each would take many times as much as the byte that it holds.
        assert!(most.load(Ordering::Relaxed) <= 2, "{most:?} were kept");
    }
}
