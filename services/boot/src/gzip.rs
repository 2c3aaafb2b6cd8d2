//! Messages of answers in gzip, for callers who take it (grpc/grpc, `doc/compression.md`).
//!
//! Messages of requests are tonic's to inflate, within its limit. For answers it has one way
//! alone: every message is compressed, in the thread that others wait for. Most answers are
//! shorter than a packet and would be longer for it; so here a message is compressed where that
//! makes it shorter, and a long one beside the runtime. Who does not ask, as the gateway does
//! not of its own, gets the bytes that there are.

use std::io::Write as _;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::{HeaderMap, HeaderName, HeaderValue, Response};
use http_body::Frame;
use tokio::task::JoinHandle;
use tonic::Status;
use tonic::body::Body;

const ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");
const TAKEN: HeaderName = HeaderName::from_static("grpc-accept-encoding");

/// Messages below this many bytes are sent as they are: they fit into a packet.
const WORTHWHILE: usize = 1024;
/// Messages that come together with this many bytes are compressed on a thread for such work.
const LONG: usize = 64 * 1024;
/// Bytes before a message: whether it is compressed, and its length.
const PREFIX: usize = 5;

/// An answer whose messages are compressed as they come.
struct Compressed {
    body: Body,
    /// Messages that are being compressed, and as they were.
    under_way: Option<(JoinHandle<Vec<u8>>, Bytes)>,
    /// Set when parts are not whole messages, as they are of tonic: what follows is left alone.
    is_torn: bool,
}

/// Whether a caller takes messages in gzip.
pub fn is_taken(headers: &HeaderMap) -> bool {
    let lists = headers.get_all(TAKEN).iter().filter_map(|value| value.to_str().ok());
    lists.flat_map(|list| list.split(',')).any(|one| one.trim().eq_ignore_ascii_case("gzip"))
}

/// The answer for a caller who takes gzip. A refusal has no messages.
pub fn compressed(mut response: Response<Body>) -> Response<Body> {
    let headers = response.headers_mut();
    if headers.contains_key(ENCODING) || headers.contains_key(Status::GRPC_STATUS) {
        return response;
    }
    headers.insert(ENCODING, HeaderValue::from_static("gzip"));
    response.map(|body| Body::new(Compressed { body, under_way: None, is_torn: false }))
}

impl http_body::Body for Compressed {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let Self { body, under_way, is_torn } = &mut *self;
        if under_way.is_none() {
            let frame = match ready!(Pin::new(body).poll_frame(context)) {
                Some(Ok(frame)) => frame,
                ended => return Poll::Ready(ended),
            };
            let data = match frame.into_data() {
                Ok(data) => data,
                Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
            };
            *is_torn |= !are_whole(&data);
            if *is_torn || data.len() < PREFIX + WORTHWHILE {
                return Poll::Ready(Some(Ok(Frame::data(data))));
            }
            if data.len() < LONG {
                return Poll::Ready(Some(Ok(Frame::data(smaller(&data).into()))));
            }
            let plain = data.clone();
            *under_way = Some((tokio::task::spawn_blocking(move || smaller(&data)), plain));
        }
        let Some((work, plain)) = under_way else { return Poll::Pending };
        let data = match ready!(Pin::new(work).poll(context)) {
            Ok(data) => data.into(),
            Err(error) => {
                tracing::warn!(%error, "an answer could not be compressed");
                std::mem::take(plain)
            }
        };
        *under_way = None;
        Poll::Ready(Some(Ok(Frame::data(data))))
    }

    fn is_end_stream(&self) -> bool {
        self.under_way.is_none() && self.body.is_end_stream()
    }
}

/// The first message with its prefix, and what is behind it.
fn first(messages: &[u8]) -> Option<(&[u8], &[u8])> {
    let [_, length @ ..] = messages.first_chunk::<PREFIX>()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    messages.split_at_checked(PREFIX.checked_add(length)?)
}

/// Whether a part ends with a message.
fn are_whole(mut part: &[u8]) -> bool {
    while let Some((_, rest)) = first(part) {
        part = rest;
    }
    part.is_empty()
}

/// Whole messages, each compressed if that makes it shorter.
fn smaller(messages: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(messages.len() / 2);
    let mut rest = messages;
    while let Some((message, behind)) = first(rest) {
        rest = behind;
        if message.len() < PREFIX + WORTHWHILE || message[0] != 0 || !add(&mut out, message) {
            out.extend_from_slice(message);
        }
    }
    out
}

/// Adds a message in gzip; adds nothing, and says so, if that is no shorter.
fn add(out: &mut Vec<u8>, message: &[u8]) -> bool {
    let begin = out.len();
    out.extend_from_slice(&[1; PREFIX]);
    let mut encoder = GzEncoder::new(&mut *out, Compression::fast());
    let written = encoder.write_all(&message[PREFIX..]).and_then(|()| encoder.finish().map(drop));
    let length = out.len() - begin - PREFIX;
    match u32::try_from(length) {
        Ok(short) if written.is_ok() && PREFIX + length < message.len() => {
            out[begin + 1..begin + PREFIX].copy_from_slice(&short.to_be_bytes());
            true
        }
        _ => {
            out.truncate(begin);
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use flate2::read::GzDecoder;
    use frontdesk_proto::{ErrorReason, Refusal};
    use futures::stream;
    use http_body_util::{BodyExt, StreamBody};

    use super::*;

    fn message(text: &[u8]) -> Vec<u8> {
        let length = u32::try_from(text.len()).unwrap().to_be_bytes();
        [&[0][..], &length, text].concat()
    }

    /// What a caller reads: of each message whether it was compressed, and what it says.
    fn read(mut messages: &[u8]) -> Vec<(u8, Vec<u8>)> {
        let mut all = Vec::new();
        while let Some((message, rest)) = first(messages) {
            let (flag, text) = (message[0], &message[PREFIX..]);
            let mut plain = Vec::new();
            match flag {
                0 => plain.extend_from_slice(text),
                _ => drop(GzDecoder::new(text).read_to_end(&mut plain).unwrap()),
            }
            all.push((flag, plain));
            messages = rest;
        }
        assert!(messages.is_empty(), "{} bytes are no message", messages.len());
        all
    }

    fn answer(parts: &[&[u8]]) -> Response<Body> {
        let mut trailers = HeaderMap::new();
        trailers.insert("grpc-status", HeaderValue::from_static("0"));
        let data = parts.iter().map(|part| Ok::<_, Status>(Frame::data(Bytes::copy_from_slice(part))));
        let frames: Vec<_> = data.chain([Ok(Frame::trailers(trailers))]).collect();
        Response::new(Body::new(StreamBody::new(stream::iter(frames))))
    }

    async fn told(response: Response<Body>) -> (Option<HeaderValue>, Vec<u8>) {
        let encoding = response.headers().get(ENCODING).cloned();
        let whole = response.into_body().collect().await.unwrap();
        assert_eq!(whole.trailers().unwrap()["grpc-status"], "0");
        (encoding, whole.to_bytes().to_vec())
    }

    /// Bytes that nothing makes shorter.
    fn noise(length: usize) -> Vec<u8> {
        let mut state = 1_u64;
        let next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()[0]
        };
        std::iter::repeat_with(next).take(length).collect()
    }

    #[test]
    fn who_takes_gzip_says_so() {
        let taken = |values: &[&'static str]| {
            is_taken(&values.iter().map(|value| (TAKEN, HeaderValue::from_static(value))).collect())
        };
        for yes in [&["gzip"][..], &["identity, deflate,gzip"], &["identity", "GZIP"]] {
            assert!(taken(yes), "{yes:?}");
        }
        for no in [&[][..], &["identity"], &["gzipped"], &["x-gzip"]] {
            assert!(!taken(no), "{no:?}");
        }
        let body = HeaderMap::from_iter([(http::header::ACCEPT_ENCODING, HeaderValue::from_static("gzip"))]);
        assert!(!is_taken(&body), "that is said of bodies");
    }

    #[tokio::test]
    async fn a_message_is_compressed_where_that_makes_it_shorter() {
        let (short, long, longest) =
            (message(b"short"), message(&[b'x'; 3000]), message(&vec![b'y'; 300_000]));
        let (random, empty) = (message(&noise(5000)), message(b""));
        let together = [&short[..], &long, &random, &empty].concat();
        let response = compressed(answer(&[&short, &together, &longest, &random]));
        let (encoding, bytes) = told(response).await;
        assert_eq!(encoding.unwrap(), "gzip");
        assert!(bytes.len() < 12_000, "{} bytes", bytes.len());
        let (short, long, random) = (b"short".to_vec(), vec![b'x'; 3000], noise(5000));
        let expected = [
            (0, short.clone()),
            (0, short),
            (1, long),
            (0, random.clone()),
            (0, Vec::new()),
            (1, vec![b'y'; 300_000]),
            (0, random),
        ];
        assert_eq!(read(&bytes), expected);
    }

    #[tokio::test]
    async fn parts_that_are_no_messages_are_left_alone_from_then_on() {
        let long = message(&[b'x'; 3000]);
        let (head, rest) = long.split_at(2000);
        let (_, bytes) = told(compressed(answer(&[head, rest, &long]))).await;
        assert_eq!(bytes, [&long[..], &long].concat());
    }

    #[tokio::test]
    async fn an_answer_without_messages_says_nothing_of_gzip() {
        let refused = Status::from(Refusal::new(ErrorReason::Internal, "No.")).into_http::<Body>();
        assert!(!compressed(refused).headers().contains_key(ENCODING));
        // Nor is it said twice.
        let mut already = answer(&[&message(&[b'x'; 3000])]);
        already.headers_mut().insert(ENCODING, HeaderValue::from_static("identity"));
        let (encoding, bytes) = told(compressed(already)).await;
        assert_eq!(
            (encoding.unwrap(), bytes),
            (HeaderValue::from_static("identity"), message(&[b'x'; 3000]))
        );
    }
}
