//! Streams of `google.api.HttpBody`: one body of any type and any length, which comes in
//! parts. The first of them says its type. What fails after it breaks the answer off, and
//! nothing is added: no word of ours has a place in a file, and who reads it must not take
//! half of it for the whole.

use bytes::Bytes;
use futures::stream;
use http::{HeaderMap, HeaderValue, Response};
use http_body::Frame;
use http_body_util::StreamBody;
use tonic::Status;
use tonic::body::Body;
use transcode::{Answer, Renderer};

use super::stream::{Messages, Source, begun};
use crate::answer::failure::Failure;

struct Parts {
    messages: Messages,
    renderer: Renderer,
}

/// The response for a stream that has begun, once its first part has come.
pub async fn response(
    renderer: Renderer,
    metadata: &HeaderMap,
    source: Source,
) -> Result<Response<Body>, Failure> {
    let mut parts = Parts { messages: Messages::of(source), renderer };
    let (content_type, begin, rest) = match parts.next().await? {
        Some((content_type, first)) => (content_type, Some(first), Some(parts)),
        None => (String::new(), None, None),
    };
    let frames = stream::unfold((begin, rest), |(begun, parts)| async move {
        if let Some(first) = begun {
            return Some((Ok(Frame::data(first)), (None, parts)));
        }
        let mut parts = parts?;
        match parts.next().await {
            Ok(Some((_, part))) => Some((Ok(Frame::data(part)), (None, Some(parts)))),
            Ok(None) => None,
            Err(failure) => {
                tracing::warn!(?failure, "a file broke off");
                Some((Err(Status::unavailable("the file broke off")), (None, None)))
            }
        }
    });
    let mut response = Response::new(Body::new(StreamBody::new(frames)));
    begun(&mut response, metadata, content_type_of(&content_type));
    Ok(response)
}

/// The type of an answer, as far as it can be one.
pub fn content_type_of(text: &str) -> HeaderValue {
    let content_type = HeaderValue::from_str(text).ok().filter(|value| !value.is_empty());
    content_type.unwrap_or_else(|| HeaderValue::from_static("application/octet-stream"))
}

impl Parts {
    /// The next part, with the type that it says; `None` after a good end.
    async fn next(&mut self) -> Result<Option<(String, Bytes)>, Failure> {
        let Some(message) = self.messages.next_in_time().await? else { return Ok(None) };
        match self.renderer.answer(&message) {
            Ok(Answer::Raw(content_type, part)) => Ok(Some((content_type, part.into()))),
            Ok(Answer::Json(_)) | Err(_) => Err(self.messages.unreadable()),
        }
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;
    use prost::encoding;
    use transcode::{Style, Transcoder};

    use super::*;

    /// A method with a stream of parts, which the API has not.
    fn renderer() -> Renderer {
        let mut compiler = protox::Compiler::new(["transcode/tests/protos"]).unwrap();
        compiler.include_imports(true).open_file("lab.proto").unwrap();
        let set = compiler.encode_file_descriptor_set();
        let pool = prost_reflect::DescriptorPool::decode(&*set).unwrap();
        let routes = Transcoder::new(&pool, &["lab.Lab"], Style::FRONTDESK).unwrap();
        routes.route(&http::Method::GET, "/v1/download/x").unwrap().renderer()
    }

    /// The frame of a message with a part.
    fn part(content_type: &str, data: &[u8]) -> Frame<Bytes> {
        let mut message = Vec::new();
        encoding::string::encode(1, &content_type.to_owned(), &mut message);
        encoding::bytes::encode(2, &data.to_vec(), &mut message);
        let length = u32::try_from(message.len()).unwrap().to_be_bytes();
        Frame::data([&[0][..], &length, &message].concat().into())
    }

    fn end(code: &'static str) -> Frame<Bytes> {
        let name = http::HeaderName::from_static("grpc-status");
        Frame::trailers(HeaderMap::from_iter([(name, HeaderValue::from_static(code))]))
    }

    async fn answered(frames: Vec<Frame<Bytes>>) -> Result<Response<Body>, Failure> {
        let body = StreamBody::new(stream::iter(frames.into_iter().map(Ok::<_, Status>)));
        let source = Source { body: Body::new(body), until: None, broken: None };
        response(renderer(), &HeaderMap::new(), source).await
    }

    #[tokio::test]
    async fn parts_are_one_body_of_the_type_that_the_first_one_says() {
        for (mut frames, content_type, whole) in [
            (vec![part("text/csv", b"a,"), part("", b""), part("text/html", b"b\n")], "text/csv", "a,b\n"),
            (vec![part("", b"x")], "application/octet-stream", "x"),
            (vec![part("a\nb", b"x")], "application/octet-stream", "x"),
            (vec![part("text/csv", b""), part("", b"late")], "text/csv", "late"),
            (vec![], "application/octet-stream", ""),
        ] {
            frames.push(end("0"));
            let response = answered(frames).await.unwrap();
            assert_eq!(response.headers()["content-type"], content_type);
            assert_eq!(response.headers()["cache-control"], "no-store");
            let body = response.into_body().collect().await.unwrap().to_bytes();
            assert_eq!(body, whole.as_bytes());
        }
    }

    #[tokio::test]
    async fn a_failure_is_an_answer_before_the_first_part_and_breaks_it_off_after() {
        let refused = answered(vec![end("5")]).await;
        assert!(matches!(refused, Err(Failure::Status(..))), "{refused:?}");
        for broken in [vec![end("14")], vec![], vec![Frame::data(Bytes::from_static(b"\0\0\0\0\x01\xff"))]] {
            let frames = [part("text/csv", b"half")].into_iter().chain(broken).collect();
            let mut response = answered(frames).await.unwrap();
            let first = response.body_mut().frame().await.unwrap().unwrap();
            assert_eq!(first.into_data().unwrap(), "half");
            assert!(response.body_mut().frame().await.unwrap().is_err(), "it would be taken for whole");
            assert!(response.body_mut().frame().await.is_none());
        }
    }
}
