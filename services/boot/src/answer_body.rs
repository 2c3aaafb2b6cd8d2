//! The body of an answer whose end is noticed: a stream's status comes with it, and the
//! reader may leave before. Until then the body is part of its call.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body as _, Frame, SizeHint};
use tonic::Status;
use tonic::body::Body;

use crate::call::Call;

/// How a body ended whose reader did not leave before.
#[derive(Debug)]
pub enum Ended<'b> {
    /// It was read to its end; with its trailers, if it had some.
    Whole(Option<&'b HeaderMap>),
    /// It could not be made.
    Broken(&'b Status),
}

struct Watched<T: FnOnce(Ended<'_>)> {
    body: Body,
    call: Arc<Call>,
    at_end: Option<T>,
}

/// The same body. `at_end` is called at its end, and dropped if its reader leaves before.
pub fn watched<T>(body: Body, call: Arc<Call>, at_end: T) -> Body
where
    T: FnOnce(Ended<'_>) + Send + Unpin + 'static,
{
    Body::new(Watched { body, call, at_end: Some(at_end) })
}

impl<T: FnOnce(Ended<'_>)> Watched<T> {
    fn end(&mut self, ended: Ended<'_>) {
        if let Some(at_end) = self.at_end.take() {
            self.call.run_now(|| at_end(ended));
        }
    }
}

impl<T: FnOnce(Ended<'_>) + Unpin> http_body::Body for Watched<T> {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = &mut *self;
        let polled = this.call.run_now(|| Pin::new(&mut this.body).poll_frame(context));
        match &polled {
            Poll::Pending => {}
            Poll::Ready(None) => this.end(Ended::Whole(None)),
            Poll::Ready(Some(Err(status))) => this.end(Ended::Broken(status)),
            Poll::Ready(Some(Ok(frame))) => {
                if let Some(trailers) = frame.trailers_ref() {
                    this.end(Ended::Whole(Some(trailers)));
                }
            }
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl<T: FnOnce(Ended<'_>)> Drop for Watched<T> {
    /// A body that knows where it ends is not asked again when it has.
    fn drop(&mut self) {
        if self.body.is_end_stream() {
            self.end(Ended::Whole(None));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use http::HeaderValue;
    use http_body_util::{BodyExt, Full, StreamBody};

    use super::*;

    /// How a body is said to have ended that is read until `read` has what it wants.
    async fn told(body: Body, read: impl AsyncFnOnce(Body)) -> Option<String> {
        let said = Arc::new(Mutex::new(None));
        let keep = Arc::clone(&said);
        let call = Call::new(HeaderValue::from_static("id"), &HeaderMap::new());
        let body = watched(body, call, move |ended: Ended<'_>| {
            let mut request = String::new();
            crate::call::with_current(|call| request = format!("{:?}", call.request_id()));
            *keep.lock().unwrap() = Some(format!("{request} {ended:?}"));
        });
        read(body).await;
        said.lock().unwrap().take()
    }

    fn frames(frames: Vec<Result<Frame<Bytes>, Status>>) -> Body {
        Body::new(StreamBody::new(futures::stream::iter(frames)))
    }

    #[tokio::test]
    async fn the_end_of_an_answer_is_noticed_once_and_not_when_its_reader_leaves() {
        let data = || Ok(Frame::data(Bytes::from_static(b"x")));
        let mut trailers = HeaderMap::new();
        trailers.insert("grpc-status", HeaderValue::from_static("5"));
        let whole = async |mut body: Body| while body.frame().await.is_some_and(|frame| frame.is_ok()) {};
        let one_frame = async |mut body: Body| drop(body.frame().await);

        let with_trailers = frames(vec![data(), Ok(Frame::trailers(trailers))]);
        let said = told(with_trailers, whole).await;
        assert_eq!(said.as_deref(), Some("\"id\" Whole(Some({\"grpc-status\": \"5\"}))"));
        assert_eq!(told(frames(vec![data()]), whole).await.as_deref(), Some("\"id\" Whole(None)"));
        let broken = told(frames(vec![data(), Err(Status::data_loss("x"))]), whole).await.unwrap();
        assert!(broken.contains("Broken"), "{broken}");
        assert_eq!(told(frames(vec![data(), data()]), one_frame).await, None);
        let full = || Body::new(Full::new(Bytes::from_static(b"x")));
        assert_eq!(told(full(), one_frame).await.as_deref(), Some("\"id\" Whole(None)"));
        assert_eq!(told(full(), async |body| drop(body)).await, None);
        assert!(told(Body::empty(), async |body| drop(body)).await.is_some());
    }
}
