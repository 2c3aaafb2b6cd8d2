//! An answer that is passed on as it comes, and ends with its deadline: its caller gets
//! a refusal then, and the service sees that nobody waits.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::Sleep;
use tonic::Status;
use tonic::body::Body;

use super::deadline::Deadline;

/// An answer with a status in place of what has not come by its deadline, if it has one.
#[derive(Debug)]
pub struct Cut {
    body: Body,
    deadline: Option<Deadline>,
    /// Set when the answer is waited for: mostly it comes at once.
    end: Option<Pin<Box<Sleep>>>,
}

impl Cut {
    pub fn new(body: Body, deadline: Option<Deadline>) -> Self {
        Self { body, deadline, end: None }
    }
}

impl From<Cut> for Body {
    fn from(cut: Cut) -> Self {
        if cut.deadline.is_some() { Self::new(cut) } else { cut.body }
    }
}

impl HttpBody for Cut {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let Self { body, deadline, end } = &mut *self;
        let polled = Pin::new(&mut *body).poll_frame(context);
        let Some(deadline) = deadline.filter(|_| polled.is_pending()) else { return polled };
        let end = end.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline.end())));
        if end.as_mut().poll(context).is_pending() {
            return polled;
        }
        *body = Body::empty();
        let mut trailers = HeaderMap::new();
        let status = Status::from(deadline.over());
        Poll::Ready(Some(status.add_header(&mut trailers).map(|()| Frame::trailers(trailers))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::HeaderValue;
    use http_body_util::{BodyExt, StreamBody};
    use tonic::Code;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_does_not_end_ends_with_its_deadline() {
        let mut headers = HeaderMap::new();
        headers.insert("grpc-timeout", HeaderValue::from_static("2S"));
        let deadline = Deadline::of_grpc(&headers, true).unwrap().unwrap();
        let (sender, frames) = futures::channel::mpsc::unbounded::<Result<Frame<Bytes>, Status>>();
        sender.unbounded_send(Ok(Frame::data(Bytes::from_static(b"x")))).unwrap();
        let began = tokio::time::Instant::now();
        let mut body = Cut::new(Body::new(StreamBody::new(frames)), Some(deadline));
        assert_eq!(&body.frame().await.unwrap().unwrap().into_data().unwrap()[..], b"x");
        let trailers = body.frame().await.unwrap().unwrap().into_trailers().unwrap();
        assert_eq!(Status::from_header_map(&trailers).unwrap().code(), Code::DeadlineExceeded);
        assert!(began.elapsed() >= Duration::from_secs(2) && began.elapsed() < Duration::from_secs(3));
        assert!(body.frame().await.is_none());
        assert!(sender.is_closed(), "the service goes on for nobody");
    }
}
