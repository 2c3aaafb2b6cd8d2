//! One gRPC call to the service that has the method, from a message in wire
//! format. What the message says is not known here.

use std::net::SocketAddr;

use boot::deadline::GRPC_TIMEOUT;
use bytes::{Bytes, BytesMut};
use frontdesk_proto::{ErrorReason, Refusal};
use futures::stream::{self, Stream, StreamExt};
use http::header::{CONTENT_TYPE, TE};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri, Version};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody};
use tonic::body::Body;
use tonic::{Code, Status};
use upstream::Upstream;

use super::deadline::Deadline;
use super::ending::Streams;
use super::upstreams::{Target, Upstreams};
use crate::answer::failure::{self, Failure, MAX_RESPONSE, not_grpc, unreachable};

/// Bytes before a message: whether it is compressed, and its length.
const PREFIX: usize = 5;

/// A call that is about to be made.
#[derive(Debug)]
pub struct Call<'c> {
    pub path: &'c str,
    pub frame: Bytes,
    pub metadata: HeaderMap,
}

/// An answer.
#[derive(Debug)]
pub struct Answered {
    /// Its message in wire format.
    pub message: Bytes,
    /// What came before the message, and after it.
    pub headers: HeaderMap,
    pub trailers: HeaderMap,
}

impl Call<'_> {
    /// The message of the answer in wire format, and its metadata.
    pub async fn unary(
        self,
        upstreams: &Upstreams,
        deadline: Deadline,
    ) -> Result<(Bytes, HeaderMap), Failure> {
        let Answered { message, headers, trailers: _ } = self.answered(upstreams, deadline).await?;
        Ok((message, headers))
    }

    /// The answer with all that it says.
    pub async fn answered(mut self, upstreams: &Upstreams, deadline: Deadline) -> Result<Answered, Failure> {
        self.metadata.insert(GRPC_TIMEOUT, deadline.header()?);
        deadline.within(self.answer(upstreams)).await?
    }

    /// Starts a call whose other messages follow, each in its frame. What has been sent
    /// is gone, so that it is not tried again.
    pub async fn send(
        self,
        upstreams: &Upstreams,
        following: impl Stream<Item = Result<Bytes, Status>> + Send + 'static,
    ) -> Result<(HeaderMap, Body), Failure> {
        let target = upstreams.of_path(self.path).ok_or_else(no_service)?;
        let _room = target.room()?;
        let Target { upstream, uri, streams, .. } = target;
        let frames =
            stream::once(async { Ok(self.frame) }).chain(following).map(|next| next.map(Frame::data));
        let request = request(uri.clone(), self.metadata, Body::new(StreamBody::new(frames)));
        let opened = once(upstream, request, None).await.map_err(|(_, error)| error);
        opened.map(|(headers, body)| (headers, until_the_stop(streams, body)))
    }

    async fn answer(self, upstreams: &Upstreams) -> Result<Answered, Failure> {
        let (headers, body) = self.open(upstreams).await?;
        let (data, trailers) = collected(body).await?;
        match trailers.as_ref().and_then(Status::from_header_map) {
            Some(status) if status.code() != Code::Ok => Err(Failure::Status(status, headers)),
            Some(_) if is_whole(&data) => {
                let (message, trailers) = (data.slice(PREFIX..), trailers.unwrap_or_default());
                Ok(Answered { message, headers, trailers })
            }
            Some(_) => Err(Refusal::new(
                ErrorReason::Internal,
                "The service's answer is not one message. The request id finds it in the log.",
            )
            .into()),
            None => Err(broken_off(&"no status").into()),
        }
    }

    /// Starts the call; returns when the service has answered with headers that
    /// hold no error. A method that may be called twice is tried once more, at
    /// another address, if there is one.
    pub async fn open(self, upstreams: &Upstreams) -> Result<(HeaderMap, Body), Failure> {
        let Some(target) = upstreams.of_path(self.path) else { return self.open_own(upstreams).await };
        let _room = target.room()?;
        let Target { upstream, uri, streams, .. } = target;
        let whole = |frame| Body::new(Full::new(frame));
        let again = target
            .may_repeat()
            .then(|| request(uri.clone(), self.metadata.clone(), whole(self.frame.clone())));
        let tried = once(upstream, request(uri.clone(), self.metadata, whole(self.frame)), None).await;
        let opened = match (tried, again) {
            (Err((Some(at), error)), Some(again)) if error.is_unavailable() && target.repeats() => {
                tracing::info!(%at, "the call is tried at another address");
                Box::pin(once(upstream, again, Some(at))).await.map_err(|(_, error)| error)
            }
            (tried, _) => tried.map_err(|(_, error)| error),
        };
        opened.map(|(headers, body)| (headers, until_the_stop(streams, body)))
    }

    /// Starts a call of a service of the gateway's own.
    async fn open_own(self, upstreams: &Upstreams) -> Result<(HeaderMap, Body), Failure> {
        let uri = self.path.parse().map_err(|_| no_service())?;
        let own = upstreams.own_of_path(self.path).ok_or_else(no_service)?;
        let response = own.call(request(uri, self.metadata, Body::new(Full::new(self.frame)))).await?;
        opened(response)
    }
}

/// A frame around the message that `message` appends; fails as that does.
pub fn frame<E>(capacity: usize, message: impl FnOnce(&mut Vec<u8>) -> Result<(), E>) -> Result<Bytes, E> {
    let mut frame = Vec::with_capacity(PREFIX + capacity);
    frame.extend_from_slice(&[0; PREFIX]);
    message(&mut frame)?;
    // A request is at most a few MiB.
    let length = u32::try_from(frame.len() - PREFIX).unwrap_or(u32::MAX);
    frame[1..PREFIX].copy_from_slice(&length.to_be_bytes());
    Ok(frame.into())
}

fn until_the_stop(streams: Option<&Streams>, body: Body) -> Body {
    match streams {
        Some(streams) => streams.until_the_stop(body),
        None => body,
    }
}

fn no_service() -> Refusal {
    Refusal::new(ErrorReason::Internal, "The method has no service behind this gateway.")
}

fn request(uri: Uri, metadata: HeaderMap, body: Body) -> Request<Body> {
    let mut request = Request::new(body);
    *request.method_mut() = Method::POST;
    *request.version_mut() = Version::HTTP_2;
    *request.uri_mut() = uri;
    *request.headers_mut() = metadata;
    let headers = request.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    headers.insert(TE, HeaderValue::from_static("trailers"));
    request
}

/// A failure, and the address that had the call.
type Failed = (Option<SocketAddr>, Failure);

async fn once(
    upstream: &Upstream,
    request: Request<Body>,
    avoid: Option<SocketAddr>,
) -> Result<(HeaderMap, Body), Failed> {
    let called = upstream.call(request, avoid).await;
    let (at, response) = called.map_err(|error| (error.at, unreachable(&error).into()))?;
    opened(response).map_err(|failure| (Some(at), failure))
}

/// An answer that has begun, with headers that hold no error.
fn opened(response: Response<Body>) -> Result<(HeaderMap, Body), Failure> {
    let (head, body) = response.into_parts();
    if let Some(status) = Status::from_header_map(&head.headers).filter(|status| status.code() != Code::Ok) {
        return Err(Failure::Status(status, head.headers));
    }
    if head.status != StatusCode::OK {
        return Err(not_grpc(head.status).into());
    }
    Ok((head.headers, body))
}

/// The data of an answer and its trailers. Mostly the data is one message in one
/// frame, which is not copied.
async fn collected(mut body: Body) -> Result<(Bytes, Option<HeaderMap>), Refusal> {
    let (mut first, mut all) = (Bytes::new(), BytesMut::new());
    while let Some(frame) = body.frame().await {
        let part = match frame.map_err(|error| broken_off(&error))?.into_data() {
            Ok(part) => part,
            Err(frame) => {
                let data = if all.is_empty() { first } else { all.freeze() };
                return Ok((data, frame.into_trailers().ok()));
            }
        };
        // Of a service in this process it comes in one frame, however long it is.
        if first.len().max(all.len()) + part.len() > MAX_RESPONSE + PREFIX {
            return Err(broken_off(&"it is too long"));
        }
        if first.is_empty() {
            first = part;
            continue;
        }
        if all.is_empty() {
            all.extend_from_slice(&first);
        }
        all.extend_from_slice(&part);
    }
    Err(broken_off(&"no status"))
}

fn broken_off(cause: &dyn std::fmt::Display) -> Refusal {
    tracing::warn!(%cause, "an answer broke off or is too large");
    failure::broken_off()
}

/// Whether the bytes are one message with its prefix, not compressed.
fn is_whole(frame: &[u8]) -> bool {
    match frame {
        [0, a, b, c, d, message @ ..] => u32::from_be_bytes([*a, *b, *c, *d]) as usize == message.len(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_whole_with_its_length_and_nothing_else() {
        let made = frame(4, |out| {
            out.extend_from_slice(b"abc");
            Ok::<_, ()>(())
        });
        assert_eq!(&made.unwrap()[..], b"\0\0\0\0\x03abc");
        assert!(is_whole(b"\0\0\0\0\x03abc") && is_whole(b"\0\0\0\0\0"));
        for bad in [&b""[..], b"\0\0\0", b"\0\0\0\0\x03ab", b"\0\0\0\0\x03abcd", b"\x01\0\0\0\x03abc"] {
            assert!(!is_whole(bad), "{bad:?}");
        }
    }

    #[tokio::test]
    async fn an_answer_is_too_long_in_one_frame_and_in_many() {
        const MOST: usize = MAX_RESPONSE + PREFIX;
        let of = |sizes: &[usize]| {
            let parts: Vec<_> =
                sizes.iter().map(|size| Ok(Frame::data(Bytes::from(vec![0; *size])))).collect();
            let end = Ok::<_, Status>(Frame::trailers(HeaderMap::new()));
            Body::new(StreamBody::new(stream::iter(parts.into_iter().chain([end]))))
        };
        for sizes in [vec![MOST], vec![1, MOST - 1], vec![1, 1, MOST - 2]] {
            let (data, trailers) = collected(of(&sizes)).await.unwrap();
            assert!(data.len() == MOST && trailers.is_some(), "{sizes:?}");
        }
        for sizes in [vec![MOST + 1], vec![1, MOST], vec![1, 1, MOST - 1]] {
            assert!(collected(of(&sizes)).await.is_err(), "{sizes:?}");
        }
    }
}
