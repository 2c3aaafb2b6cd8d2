//! The body of an answer that is told of when it has ended: a stream's status comes
//! at its end, and whoever reads may leave before. Until then it is part of its call.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body as _, Frame, SizeHint};
use tonic::Status;
use tonic::body::Body;

use crate::call::Call;

/// How a body ended that was not left.
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
    told: Option<T>,
}

/// The same body. `told` is called at its end, and dropped if it is left before.
pub fn watched<T>(body: Body, call: Arc<Call>, told: T) -> Body
where
    T: FnOnce(Ended<'_>) + Send + Unpin + 'static,
{
    Body::new(Watched { body, call, told: Some(told) })
}

impl<T: FnOnce(Ended<'_>)> Watched<T> {
    fn tell(&mut self, ended: Ended<'_>) {
        if let Some(told) = self.told.take() {
            self.call.run_now(|| told(ended));
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
            Poll::Ready(None) => this.tell(Ended::Whole(None)),
            Poll::Ready(Some(Err(status))) => this.tell(Ended::Broken(status)),
            Poll::Ready(Some(Ok(frame))) => {
                if let Some(trailers) = frame.trailers_ref() {
                    this.tell(Ended::Whole(Some(trailers)));
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
            self.tell(Ended::Whole(None));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use http::HeaderValue;
    use http_body_util::{BodyExt, Full, StreamBody};

    use super::*;

    /// What is told of a body that is read until `read` has what it wants.
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
    async fn an_answer_is_told_of_once_when_it_has_ended_and_not_when_it_is_left() {
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
