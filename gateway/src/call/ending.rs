//! The answer of a method that streams, which ends when this gateway stops: between two
//! messages, by a status that says so and where to go on. Whatever the protocol, whoever
//! reads the stream learns that it is not complete. One that answers a stream of the
//! caller's comes to its own end, if there is time.

use std::io::Read as _;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use boot::Stop;
use bytes::{Buf, Bytes, BytesMut};
use flate2::read::GzDecoder;
use frontdesk_proto::{ErrorReason, FieldContract, Refusal};
use http::HeaderMap;
use http_body::{Body as HttpBody, Frame};
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, MethodDescriptor};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tonic::Status;
use tonic::body::Body;

use crate::answer::failure::MAX_RESPONSE;

/// What became of a request's stream that did not come to its end.
pub const UNKNOWN: &str = "What was answered is done. Whether what was sent after it is done is not known: read before you send it again.";
/// Bytes before a message.
const PREFIX: usize = 5;

/// What is known of a method that streams.
#[derive(Debug)]
pub struct Streams {
    /// Where a message says how to go on behind it.
    cursor: Option<FieldDescriptor>,
    /// Where a request says the same.
    asked_at: Option<u32>,
    /// Whether the caller streams, too.
    takes_stream: bool,
    stop: Stop,
}

/// The messages of a stream, and the last words.
struct Ending {
    body: Body,
    stopped: Pin<Box<WaitForCancellationFutureOwned>>,
    messages: Messages,
    cursor: Option<FieldDescriptor>,
    takes_stream: bool,
    over: bool,
}

/// The last whole message, and what has come of the next one.
#[derive(Default)]
struct Messages {
    last: Bytes,
    /// Whether that is in gzip, which is how the caller wants it.
    is_compressed: bool,
    begun: BytesMut,
}

impl Streams {
    /// Of a method, if it streams.
    pub fn of(method: &MethodDescriptor, stop: &Stop) -> Option<Self> {
        method.is_server_streaming().then(|| Self {
            cursor: cursor_of(&method.output()),
            asked_at: cursor_of(&method.input()).map(|field| field.number()),
            takes_stream: method.is_client_streaming(),
            stop: stop.clone(),
        })
    }

    /// The field of a message that says how to go on behind it.
    pub fn cursor(&self) -> Option<u32> {
        self.cursor.as_ref().map(FieldDescriptor::number)
    }

    /// Whether it goes on for as long as somebody listens: such a stream has messages that say
    /// nothing but where it is, so that each must. One that sends a list to its end, as exports
    /// do, has a position beside what it sends.
    pub fn is_feed(&self) -> bool {
        self.cursor.as_ref().is_some_and(|field| FieldContract::of(field).limits.required)
    }

    /// The field of a request that says where to go on.
    pub fn asked_at(&self) -> Option<u32> {
        self.asked_at
    }

    /// An answer that ends at the stop.
    pub fn until_the_stop(&self, body: Body) -> Body {
        let Self { cursor, asked_at: _, takes_stream, stop } = self;
        let end = if *takes_stream { stop.cut() } else { stop.ending() };
        let stopped = Box::pin(CancellationToken::cancelled_owned(end.child_token()));
        let (cursor, takes_stream) = (cursor.clone(), *takes_stream);
        let messages = Messages::default();
        Body::new(Ending { body, stopped, messages, cursor, takes_stream, over: false })
    }
}

/// The position of a stream in a message, as the contract names it.
fn cursor_of(message: &MessageDescriptor) -> Option<FieldDescriptor> {
    let is_text = |field: &FieldDescriptor| field.kind() == Kind::String && !field.is_list();
    message.fields().find(|field| FieldContract::of(field).cursor && is_text(field))
}

impl Ending {
    fn last_words(&self) -> HeaderMap {
        let refusal = Refusal::new(ErrorReason::ShuttingDown, "This gateway is shutting down.")
            .retry_after(Duration::from_secs(1));
        let refusal = match (self.takes_stream, self.go_on()) {
            (true, _) => refusal.followed_by(UNKNOWN),
            (false, None) => refusal.followed_by("Start the stream again from its last cursor."),
            (false, Some(cursor)) => refusal
                .followed_by("Start the stream again from its last cursor, which is in `go_on`.")
                .with("go_on", cursor),
        };
        let mut trailers = HeaderMap::new();
        if let Err(error) = Status::from(refusal).add_header(&mut trailers) {
            tracing::error!(%error, "the end of a stream cannot be sent");
        }
        trailers
    }

    /// The cursor of the last message.
    fn go_on(&self) -> Option<String> {
        let field = self.cursor.as_ref()?;
        let last = DynamicMessage::decode(field.parent_message().clone(), self.messages.last()?).ok()?;
        let cursor = last.get_field(field).as_str()?.to_owned();
        (!cursor.is_empty()).then_some(cursor)
    }
}

impl Messages {
    /// Whether nothing of the next message has come.
    fn are_whole(&self) -> bool {
        self.begun.is_empty()
    }

    /// The last message as it was before it was compressed.
    fn last(&self) -> Option<Bytes> {
        if !self.is_compressed {
            return Some(self.last.clone());
        }
        let (mut plain, mut inflated) = (Vec::new(), GzDecoder::new(&*self.last).take(MAX_RESPONSE as u64));
        inflated.read_to_end(&mut plain).ok()?;
        Some(plain.into())
    }

    /// Takes what follows. Mostly that is one message, which is not copied.
    fn take(&mut self, data: &Bytes) {
        if self.begun.is_empty() && whole(data) == Some(data.len()) {
            self.is_compressed = data[0] == 1;
            self.last = data.slice(PREFIX..);
            return;
        }
        self.begun.extend_from_slice(data);
        while let Some(length) = whole(&self.begun) {
            self.is_compressed = self.begun[0] == 1;
            self.begun.advance(PREFIX);
            self.last = self.begun.split_to(length - PREFIX).freeze();
        }
    }
}

/// The length of the message that the bytes begin with, if it is whole.
fn whole(bytes: &[u8]) -> Option<usize> {
    let [_, a, b, c, d, ..] = *bytes else { return None };
    let length = PREFIX + u32::from_be_bytes([a, b, c, d]) as usize;
    (bytes.len() >= length).then_some(length)
}

impl HttpBody for Ending {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if self.over {
            return Poll::Ready(None);
        }
        if self.messages.are_whole() && self.stopped.as_mut().poll(context).is_ready() {
            let last_words = self.last_words();
            self.over = true;
            // The service hears at once that nobody reads on.
            self.body = Body::empty();
            return Poll::Ready(Some(Ok(Frame::trailers(last_words))));
        }
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if let Poll::Ready(Some(Ok(frame))) = &polled
            && let Some(data) = frame.data_ref()
        {
            self.messages.take(data);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.over || self.body.is_end_stream()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use boot::StopPolicy;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use frontdesk_proto::booking::v1::WatchBookingRequestsResponse;
    use frontdesk_proto::descriptors;
    use futures::stream::{self, StreamExt};
    use http_body_util::{BodyExt, StreamBody};
    use prost::Message;

    use super::*;

    fn streams(service: &str, method: &str, stop: &Stop) -> Option<Streams> {
        let service = descriptors().get_service_by_name(service).unwrap();
        let method = service.methods().find(|one| one.name() == method).unwrap();
        Streams::of(&method, stop)
    }

    fn watch(stop: &Stop) -> Streams {
        streams("frontdesk.booking.v1.BookingRequestService", "WatchBookingRequests", stop).unwrap()
    }

    fn message(cursor: &str) -> Vec<u8> {
        let message = WatchBookingRequestsResponse { event: None, cursor: cursor.to_owned() }.encode_to_vec();
        let length = u32::try_from(message.len()).unwrap().to_be_bytes();
        [&[0][..], &length, &message].concat()
    }

    /// The same as a caller gets it who takes gzip.
    fn compressed(message: &[u8]) -> Vec<u8> {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(&message[PREFIX..]).unwrap();
        let message = gzip.finish().unwrap();
        let length = u32::try_from(message.len()).unwrap().to_be_bytes();
        [&[1][..], &length, &message].concat()
    }

    /// A stream that says these pieces and goes on.
    fn endless(pieces: &[&[u8]]) -> Body {
        let pieces: Vec<_> = pieces.iter().map(|one| Ok(Frame::data(Bytes::copy_from_slice(one)))).collect();
        Body::new(StreamBody::new(stream::iter(pieces).chain(stream::pending::<Result<_, Status>>())))
    }

    /// The data of a body until its end, and how it ends.
    async fn read(body: Body) -> (Vec<u8>, Refusal) {
        let whole = body.collect().await.unwrap();
        let status = Status::from_header_map(whole.trailers().unwrap()).unwrap();
        (whole.to_bytes().to_vec(), Refusal::from_status(&status).unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_ends_between_two_messages_with_the_cursor_of_the_last() {
        let (one, two) = (message("first"), message("second"));
        for (one, two) in [(&one, &two), (&one, &compressed(&two)), (&compressed(&one), &two)] {
            ends_with_the_cursor_of(one, two).await;
        }
    }

    async fn ends_with_the_cursor_of(one: &[u8], two: &[u8]) {
        let whole = [one, two].concat();
        for cuts in [vec![], vec![one.len()], vec![3, one.len() + 2], vec![one.len() - 1]] {
            let stop = Stop::new(StopPolicy::AT_ONCE);
            let ends: Vec<usize> = cuts.iter().copied().chain([whole.len()]).collect();
            let starts = [0].into_iter().chain(cuts);
            let pieces: Vec<&[u8]> = starts.zip(ends).map(|(from, to)| &whole[from..to]).collect();
            let body = watch(&stop).until_the_stop(endless(&pieces));
            let reading = tokio::spawn(read(body));
            tokio::time::sleep(Duration::from_secs(1)).await;
            assert!(!reading.is_finished());
            stop.begin();
            let (data, refusal) = reading.await.unwrap();
            assert_eq!(data, whole);
            assert_eq!(refusal.reason(), ErrorReason::ShuttingDown);
            assert_eq!(refusal.metadata().collect::<Vec<_>>(), [("go_on", "second")]);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn half_a_message_is_waited_for_and_nothing_has_no_cursor() {
        let stop = Stop::new(StopPolicy::AT_ONCE);
        let half = watch(&stop).until_the_stop(endless(&[&message("first")[..7]]));
        let nothing = watch(&stop).until_the_stop(endless(&[]));
        let half = tokio::spawn(read(half));
        tokio::time::sleep(Duration::from_millis(1)).await;
        stop.begin();
        let (data, refusal) = read(nothing).await;
        assert!(data.is_empty() && refusal.metadata().next().is_none(), "{refusal:?}");
        let late = tokio::time::timeout(Duration::from_hours(1), half).await;
        assert!(late.is_err(), "its reader would take half a message for one");
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_to_a_stream_has_its_time() {
        let stop = Stop::new(StopPolicy::AT_ONCE);
        let import = streams("frontdesk.booking.v1.CustomerService", "ImportCustomers", &stop).unwrap();
        let body = import.until_the_stop(endless(&[]));
        let begun = tokio::time::Instant::now();
        stop.begin();
        let (_, refusal) = read(body).await;
        assert_eq!(begun.elapsed(), StopPolicy::AT_ONCE.limit);
        assert!(refusal.message().ends_with(UNKNOWN), "{}", refusal.message());
        assert!(streams("frontdesk.booking.v1.CustomerService", "GetCustomer", &stop).is_none());
    }
}
