//! gRPC and gRPC-Web, passed on frame by frame without reading messages.
//!
//! How gRPC-Web frames its trailers is `transcode`'s.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use frontdesk_proto::{ErrorReason, Refusal};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Version};
use http_body::{Body as HttpBody, Frame};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use tonic::Status;
use tonic::body::Body;
use transcode::grpc_web;
use upstream::Unreachable;

use crate::deadline;
use crate::services::Upstreams;

/// Largest gRPC-Web request in bytes, in either form.
const MAX_REQUEST: usize = 4 * 1024 * 1024;

/// What kind of call a request is, by its content type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Grpc,
    GrpcWeb(Form),
    /// gRPC with messages that are not protobuf.
    OtherGrpc,
    Rest,
}

/// The forms of gRPC-Web.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Binary,
    Text,
}

impl Kind {
    /// Content types compare without case, and their parameters do not count.
    pub fn of(headers: &HeaderMap) -> Self {
        let Some(content_type) = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()) else {
            return Self::Rest;
        };
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        let Some((prefix, kind)) = essence.split_at_checked("application/grpc".len()) else {
            return Self::Rest;
        };
        if !prefix.eq_ignore_ascii_case("application/grpc") {
            return Self::Rest;
        }
        match kind.to_ascii_lowercase().as_str() {
            "" | "+proto" => Self::Grpc,
            "-web" | "-web+proto" => Self::GrpcWeb(Form::Binary),
            "-web-text" | "-web-text+proto" => Self::GrpcWeb(Form::Text),
            _ => Self::OtherGrpc,
        }
    }
}

impl Form {
    fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Binary => "application/grpc-web+proto",
            Self::Text => "application/grpc-web-text+proto",
        })
    }
}

/// Forwards a gRPC call.
pub async fn grpc(upstreams: &Upstreams, request: Request<Body>) -> Response<Body> {
    match send(upstreams, request).await {
        Ok(response) => response,
        Err(refusal) => Status::from(refusal).into_http(),
    }
}

/// Forwards a gRPC-Web call. The answer has the form of the question.
pub async fn grpc_web(upstreams: &Upstreams, request: Request<Body>, form: Form) -> Response<Body> {
    let response = match web_request(request, form).await {
        Ok(request) => grpc(upstreams, request).await,
        Err(refusal) => Status::from(refusal).into_http(),
    };
    let (mut head, body) = response.into_parts();
    head.headers.insert(CONTENT_TYPE, form.content_type());
    head.headers.remove(CONTENT_LENGTH);
    // A refusal is in the headers, which every client reads; a frame of trailers
    // beside them would say it twice.
    if head.headers.contains_key(Status::GRPC_STATUS) {
        return Response::from_parts(head, Body::empty());
    }
    Response::from_parts(head, Body::new(WebBody { inner: body, form, ended: false }))
}

/// The gRPC request of a gRPC-Web request.
async fn web_request(request: Request<Body>, form: Form) -> Result<Request<Body>, Refusal> {
    let (mut head, body) = request.into_parts();
    // No message needs to be whole here, but a broken text must be refused before
    // the service has seen half of it, and no browser sends more than one message.
    let collected = match deadline::body(Limited::new(body, MAX_REQUEST).collect()).await? {
        Ok(collected) => collected.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => {
            return Err(Refusal::new(
                ErrorReason::PayloadTooLarge,
                format!("The call is larger than {MAX_REQUEST} bytes, the most this API takes."),
            )
            .with("limit_bytes", MAX_REQUEST.to_string()));
        }
        Err(_) => return Err(malformed("the body broke off before its end")),
    };
    let frames = match form {
        Form::Binary => collected,
        Form::Text => {
            grpc_web::decode_text(&collected).ok_or_else(|| malformed("the body is not base64"))?.into()
        }
    };
    if !grpc_web::are_frames(&frames) {
        return Err(malformed("a frame is cut off"));
    }
    head.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    head.headers.remove(CONTENT_LENGTH);
    Ok(Request::from_parts(head, Body::new(Full::new(frames))))
}

fn malformed(what: &str) -> Refusal {
    Refusal::new(
        ErrorReason::MalformedRequest,
        format!("The call cannot be read: {what}. Nothing was stored."),
    )
}

async fn send(upstreams: &Upstreams, request: Request<Body>) -> Result<Response<Body>, Refusal> {
    let Some((upstream, _)) = upstreams.of_path(request.uri().path()) else {
        return Err(Refusal::new(
            ErrorReason::RouteNotFound,
            "No service behind this gateway has the method. Its services are listed by reflection on their own ports.",
        ));
    };
    deadline::check_grpc(request.headers())?;
    let (mut head, body) = request.into_parts();
    head.version = Version::HTTP_2;
    let (_, response) =
        upstream.call(Request::from_parts(head, body), None).await.map_err(|error| unreachable(&error))?;
    if response.status() != StatusCode::OK {
        tracing::warn!(status = %response.status(), "a service answered outside gRPC");
        return Err(Refusal::new(
            ErrorReason::UpstreamUnavailable,
            "The service did not answer in gRPC. Try again.",
        ));
    }
    Ok(response)
}

/// A gRPC answer with its trailers in the body.
struct WebBody {
    inner: Body,
    form: Form,
    ended: bool,
}

impl WebBody {
    fn put(&self, bytes: Bytes) -> Bytes {
        match self.form {
            Form::Binary => bytes,
            Form::Text => grpc_web::encode_text(&bytes).into(),
        }
    }
}

impl HttpBody for WebBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let trailers = match Pin::new(&mut self.inner).poll_frame(context) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                Ok(data) => return Poll::Ready(Some(Ok(Frame::data(self.put(data))))),
                Err(frame) => frame.into_trailers().unwrap_or_default(),
            },
            // A client must not take a stream that broke off for one that ended.
            Poll::Ready(None) => broken_off(),
            Poll::Ready(Some(Err(error))) => {
                tracing::warn!(%error, "an answer broke off");
                broken_off()
            }
        };
        self.ended = true;
        Poll::Ready(Some(Ok(Frame::data(self.put(grpc_web::trailer_frame(&trailers).into())))))
    }
}

fn broken_off() -> HeaderMap {
    let refusal = Refusal::new(ErrorReason::UpstreamUnavailable, "The service's answer broke off.");
    Status::from(refusal).into_http::<Body>().headers().clone()
}

/// The refusal for a service that cannot be reached; the log has the cause.
pub fn unreachable(error: &Unreachable) -> Refusal {
    tracing::warn!(%error, "a service cannot be reached");
    let what = match error.at {
        None => {
            "The service that answers this call cannot be reached. Try again; GET /readyz says which one is missing."
        }
        Some(_) => {
            "The connection to the service was lost during the call. Whether a change was stored is unknown: read before trying again."
        }
    };
    Refusal::new(ErrorReason::UpstreamUnavailable, what).retry_after(Duration::from_secs(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(content_type: &'static str) -> Kind {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        Kind::of(&headers)
    }

    #[test]
    fn content_types_are_read_without_case_and_parameters() {
        for (content_type, expected) in [
            ("application/grpc", Kind::Grpc),
            ("Application/gRPC+proto; x=y", Kind::Grpc),
            ("application/grpc-web", Kind::GrpcWeb(Form::Binary)),
            ("application/GRPC-Web-Text+Proto ; charset=utf-8", Kind::GrpcWeb(Form::Text)),
            ("application/grpc-web+json", Kind::OtherGrpc),
            ("application/grpc+json", Kind::OtherGrpc),
            ("application/json", Kind::Rest),
        ] {
            assert_eq!(kind(content_type), expected, "{content_type}");
        }
        assert_eq!(Kind::of(&HeaderMap::new()), Kind::Rest);
    }
}
