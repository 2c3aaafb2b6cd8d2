//! gRPC-Web: gRPC with its trailers in the body. How that is framed is
//! `transcode`'s job, what a call does the service's.
//!
//! A request is read whole, up to a limit, before it is sent on: a broken one is
//! then a status and not a stream that is reset halfway, and no browser sends more
//! than one message. Of a method that takes several, which other clients send while they
//! read what is answered, the frames go on as they come. `oracle.rs` holds what crosses against
//! tonic-web, whose place is before services of its own process, and says where we go further.

use std::pin::Pin;
use std::task::{Context, Poll};

use boot::Runbook;
use bytes::Bytes;
use frontdesk_proto::{ErrorReason, Refusal};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body::{Body as HttpBody, Frame};
use http_body_util::Full;
use tonic::Status;
use tonic::body::Body;
use transcode::grpc_web;

use super::grpc;
use super::kind::Form;
use crate::answer::failure::{self, over_grpc};
use crate::call::body;
use crate::call::cut::Cut;
use crate::call::upstreams::Upstreams;

/// Most bytes of a request, in either form: a message of 4 MiB in its frame.
const MAX_REQUEST: usize = 4 * 1024 * 1024 + 5;

/// Forwards a gRPC-Web call. The answer has the form of the question.
pub async fn call(
    upstreams: &Upstreams,
    runbook: &Runbook,
    request: Request<Body>,
    form: Form,
) -> Response<Body> {
    let takes_stream = upstreams.shape(request.uri().path()).is_some_and(|shape| shape.takes_stream);
    let request = if takes_stream && form == Form::Binary {
        Ok(as_grpc(request))
    } else {
        web_request(request, form).await
    };
    let sent = match request {
        Ok(request) => grpc::send(upstreams, request).await,
        Err(refusal) => Err(refusal),
    };
    match sent {
        Ok(response) => answer(response, form),
        Err(refusal) => refused(runbook.link(refusal), form),
    }
}

/// The gRPC-Web answer of a gRPC answer.
fn answer(response: Response<Cut>, form: Form) -> Response<Body> {
    let (mut head, body) = response.into_parts();
    head.headers.insert(CONTENT_TYPE, content_type(form));
    head.headers.remove(CONTENT_LENGTH);
    // A refusal is in the headers, which every client reads; a frame of trailers
    // beside them would say it twice.
    if head.headers.contains_key(Status::GRPC_STATUS) {
        return Response::from_parts(head, Body::empty());
    }
    Response::from_parts(head, Body::new(WebBody { inner: body, form, ended: false }))
}

/// The answer to a call that is refused before it is read.
pub fn refused(refusal: Refusal, form: Form) -> Response<Body> {
    let mut response = over_grpc(refusal);
    response.headers_mut().insert(CONTENT_TYPE, content_type(form));
    response
}

/// The gRPC request of a gRPC-Web request.
async fn web_request(request: Request<Body>, form: Form) -> Result<Request<Body>, Refusal> {
    let (head, body) = request.into_parts();
    let collected = body::read(body, MAX_REQUEST).await?;
    let frames = match form {
        Form::Binary => collected,
        Form::Text => {
            grpc_web::decode_text(&collected).ok_or_else(|| malformed("the body is not base64"))?.into()
        }
    };
    if !grpc_web::are_frames(&frames) {
        return Err(malformed("a frame is cut off"));
    }
    Ok(as_grpc(Request::from_parts(head, Body::new(Full::new(frames)))))
}

fn as_grpc(mut request: Request<Body>) -> Request<Body> {
    let headers = request.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    headers.remove(CONTENT_LENGTH);
    request
}

fn content_type(form: Form) -> HeaderValue {
    HeaderValue::from_static(match form {
        Form::Binary => "application/grpc-web+proto",
        Form::Text => "application/grpc-web-text+proto",
    })
}

fn malformed(what: &str) -> Refusal {
    Refusal::new(
        ErrorReason::MalformedRequest,
        boot::nothing_stored(&format!("The call cannot be read: {what}."), ""),
    )
}

/// A gRPC answer with its trailers in the body.
struct WebBody {
    inner: Cut,
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

    /// The trailers are the last frame, and are sent together with the end.
    fn is_end_stream(&self) -> bool {
        self.ended
    }
}

fn broken_off() -> HeaderMap {
    Status::from(failure::broken_off()).into_http::<Body>().headers().clone()
}

#[cfg(test)]
mod oracle;

#[cfg(test)]
mod tests {
    use futures::channel::mpsc;
    use http_body_util::{BodyExt, StreamBody};
    use tonic::Code;

    use super::*;
    use crate::call::deadline::Deadline;

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_does_not_end_ends_with_its_deadline_in_its_trailers() {
        for form in [Form::Binary, Form::Text] {
            let mut headers = HeaderMap::new();
            headers.insert("grpc-timeout", HeaderValue::from_static("2S"));
            let deadline = Deadline::of_grpc(&headers, true).unwrap();
            let (sender, frames) = mpsc::unbounded::<Result<Frame<Bytes>, Status>>();
            let sent = Bytes::from_static(b"\0\0\0\0\x01x");
            sender.unbounded_send(Ok(Frame::data(sent.clone()))).unwrap();
            let inner = Cut::new(Body::new(StreamBody::new(frames)), deadline);
            let mut body = WebBody { inner, form, ended: false };
            let next = async |body: &mut WebBody| body.frame().await.unwrap().unwrap().into_data().unwrap();
            let plain = |bytes: Bytes| match form {
                Form::Binary => bytes.to_vec(),
                Form::Text => grpc_web::decode_text(&bytes).unwrap(),
            };
            let data = next(&mut body).await;
            assert_eq!(plain(data), sent);
            assert!(!body.is_end_stream());
            let trailers = plain(next(&mut body).await);
            assert_eq!(trailers[0], 0x80, "it is the frame of the trailers");
            let status = format!("grpc-status:{}\r\n", Code::DeadlineExceeded as i32);
            assert!(String::from_utf8_lossy(&trailers[5..]).replace(": ", ":").contains(&status));
            assert!(body.is_end_stream() && body.frame().await.is_none());
            assert!(sender.is_closed(), "the service goes on for nobody");
        }
    }
}
