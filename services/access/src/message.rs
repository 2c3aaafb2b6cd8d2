//! The message of a call that sends one, read to its end before the method begins. A call is
//! let in by its head, and its message may come long after that: whether it came with the
//! head, or later, is what the layer asks here. A message has its time, whoever sends it: a
//! call that waits for one holds a place among those of its server. Calls that send many
//! messages are their methods' business, and so is what a message says.

use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use boot::nothing_stored;
use bytes::Bytes;
use frontdesk_proto::{ErrorReason, Refusal, Rule};
use http_body_util::{BodyExt, Full};
use tonic::Status;
use tonic::body::Body;

use crate::frame::{self, Coding, PREFIX};

/// Time for a message to arrive: that of a body at the gateway.
const TIME: Duration = Duration::from_secs(10);
/// Most bytes of a message, as tonic has it, also after it is inflated.
const MOST: usize = 4 * 1024 * 1024;
/// Most bytes of one that takes no credential: those of a body at the gateway.
const MOST_OF_ANYBODY: usize = 1024 * 1024;

/// A message on its way.
#[derive(Debug)]
pub(crate) struct Message {
    body: Body,
    /// How it is compressed, if it is.
    coding: Coding,
    /// Most bytes that it may have.
    most: usize,
    /// What came first; mostly that is all, and is not copied.
    first: Bytes,
    /// All of it, if more came. A list of tiny parts would take many times their size.
    all: Vec<u8>,
}

impl Message {
    /// That of a call of a method with this rule.
    pub(crate) fn of(body: Body, coding: Coding, rule: Option<&Rule>) -> Self {
        let most = if rule == Some(&Rule::Public) { MOST_OF_ANYBODY } else { MOST };
        Self { body, coding, most, first: Bytes::new(), all: Vec::new() }
    }

    /// Reads what is there; `None` if that is not all.
    pub(crate) async fn at_once(&mut self) -> Option<Result<(), Status>> {
        match futures::poll!(pin!(self.read_on())) {
            Poll::Ready(read) => Some(read),
            Poll::Pending => None,
        }
    }

    /// Waits for the rest, for as long as a message may take.
    pub(crate) async fn in_time(&mut self) -> Result<(), Status> {
        tokio::time::timeout(TIME, self.read_on()).await.unwrap_or_else(|_| Err(too_slow().into()))
    }

    /// The body for whoever takes the message out of it.
    pub(crate) fn into_body(self) -> Body {
        let Self { body: _, coding: _, most: _, first, all } = self;
        Body::new(Full::new(if all.is_empty() { first } else { all.into() }))
    }

    /// May be left and called again: a part that was read is kept.
    async fn read_on(&mut self) -> Result<(), Status> {
        while !frame::is_wrong(self.here(), self.most)
            && let Some(frame) = self.body.frame().await
        {
            // Trailers are the end, and say nothing.
            let Ok(part) = frame?.into_data() else { break };
            self.take(part);
        }
        if let Some(opened) = frame::opened(self.here(), self.coding, self.most)? {
            (self.first, self.all) = (opened, Vec::new());
        }
        Ok(())
    }

    fn take(&mut self, part: Bytes) {
        if self.first.is_empty() {
            self.first = part;
            return;
        }
        if self.all.is_empty() {
            self.all.extend_from_slice(&self.first);
        }
        let needed = self.all.len() + part.len();
        if needed > self.all.capacity() {
            // Twice as much, so that it is seldom copied, but no more than it says it is going to be.
            let says = frame::says(self.here()).map_or(needed, |says| PREFIX.saturating_add(says));
            let room = needed.max(says.min(needed * 2));
            self.all.reserve_exact(room - self.all.len());
        }
        self.all.extend_from_slice(&part);
    }

    fn here(&self) -> &[u8] {
        if self.all.is_empty() { &self.first } else { &self.all }
    }
}

fn too_slow() -> Refusal {
    let sentence = format!("The message did not arrive in {} s.", TIME.as_secs());
    Refusal::new(ErrorReason::RequestTimeout, nothing_stored(&sentence, "send it again"))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use futures::stream::{self, StreamExt};
    use http::HeaderMap;
    use http_body::Frame;
    use http_body_util::StreamBody;

    use super::*;

    fn part(bytes: &'static [u8]) -> Frame<Bytes> {
        Frame::data(Bytes::from_static(bytes))
    }

    fn message(parts: Vec<Frame<Bytes>>) -> Message {
        let parts = stream::iter(parts).map(Ok::<_, Status>);
        Message::of(Body::new(StreamBody::new(parts)), Coding::Identity, None)
    }

    fn halves_of(parts: impl futures::Stream<Item = Frame<Bytes>> + Send + 'static) -> Message {
        Message::of(Body::new(StreamBody::new(parts.map(Ok::<_, Status>))), Coding::Identity, None)
    }

    /// One whose parts never end.
    fn halves(parts: Vec<Frame<Bytes>>) -> Message {
        halves_under(None, parts)
    }

    fn halves_under(rule: Option<&Rule>, parts: Vec<Frame<Bytes>>) -> Message {
        let parts = stream::iter(parts).chain(stream::pending());
        Message::of(Body::new(StreamBody::new(parts.map(Ok::<_, Status>))), Coding::Identity, rule)
    }

    fn reason(read: Option<Result<(), Status>>) -> Option<ErrorReason> {
        let refused = read.and_then(Result::err)?;
        Some(Refusal::from_status(&refused).unwrap().reason())
    }

    async fn text(message: Message) -> Bytes {
        message.into_body().collect().await.unwrap().to_bytes()
    }

    #[tokio::test]
    async fn a_message_is_whole_at_its_end_in_however_many_parts_it_comes() {
        let trailers = || Frame::trailers(HeaderMap::new());
        for parts in [
            vec![part(b"\0\0\0\0\x02ab")],
            vec![part(b"\0\0\0\0\x02ab"), trailers()],
            vec![part(b""), part(b"\0\0"), part(b""), part(b"\0\0\x02a"), part(b"b"), trailers()],
        ] {
            let mut message = message(parts);
            message.at_once().await.unwrap().unwrap();
            assert_eq!(text(message).await, &b"\0\0\0\0\x02ab"[..]);
        }
    }

    #[tokio::test]
    async fn what_has_no_end_yet_is_not_whole_and_nothing_of_it_is_lost() {
        let (send, rest) = futures::channel::mpsc::unbounded();
        let mut message = halves_of(rest);
        assert!(message.at_once().await.is_none());
        send.unbounded_send(part(b"\0\0\0\0\x02ab")).unwrap();
        assert!(message.at_once().await.is_none(), "all of it is there, and it may go on");
        drop(send);
        message.in_time().await.unwrap();
        assert_eq!(text(message).await, &b"\0\0\0\0\x02ab"[..]);
    }

    #[tokio::test]
    async fn one_that_is_too_long_is_not_waited_for() {
        let mut says_so = halves(vec![part(b"\0\0\x40\0\x01")]);
        assert_eq!(reason(says_so.at_once().await), Some(ErrorReason::PayloadTooLarge));
        let mut more = halves(vec![part(b"\0\0\0\0\x02a"), part(b"bc")]);
        assert_eq!(reason(more.at_once().await), Some(ErrorReason::MalformedRequest));
    }

    #[tokio::test]
    async fn nobody_without_a_credential_sends_more_than_a_body_of_the_gateway() {
        let most: &'static [u8] = Box::leak(vec![0; MOST_OF_ANYBODY].into());
        for (prefix, is_refused) in [(part(b"\0\0\x10\0\0"), false), (part(b"\0\0\x10\0\x01"), true)] {
            let mut public = halves_under(Some(&Rule::Public), vec![prefix, part(most)]);
            let refused = reason(public.at_once().await);
            assert_eq!(refused, is_refused.then_some(ErrorReason::PayloadTooLarge));
        }
        let mut of_a_user = halves_under(Some(&Rule::SignedIn), vec![part(b"\0\0\x10\0\x01"), part(most)]);
        assert!(of_a_user.at_once().await.is_none());
    }

    #[tokio::test]
    async fn nor_one_that_is_short_until_it_is_inflated() {
        for (length, is_refused) in [(MOST_OF_ANYBODY, false), (MOST_OF_ANYBODY + 1, true)] {
            let mut gzip = GzEncoder::new(vec![1, 0, 0, 0, 0], Compression::best());
            gzip.write_all(&vec![0; length]).unwrap();
            let mut bomb = gzip.finish().unwrap();
            let says = u32::try_from(bomb.len() - PREFIX).unwrap();
            bomb[1..PREFIX].copy_from_slice(&says.to_be_bytes());
            assert!(bomb.len() < 10_000, "{} bytes", bomb.len());
            let bomb: &'static [u8] = bomb.leak();
            let of = |rule| {
                let body = Body::new(StreamBody::new(stream::iter([Ok::<_, Status>(part(bomb))])));
                Message::of(body, Coding::Gzip, Some(rule))
            };
            let refused = reason(of(&Rule::Public).at_once().await);
            assert_eq!(refused, is_refused.then_some(ErrorReason::PayloadTooLarge));
            let mut of_a_user = of(&Rule::SignedIn);
            of_a_user.at_once().await.unwrap().unwrap();
            let inflated = text(of_a_user).await;
            assert_eq!((inflated[0], inflated.len()), (0, PREFIX + length), "it is inflated once");
        }
    }

    #[tokio::test]
    async fn a_message_takes_no_more_room_than_it_says() {
        // Doubled it would be 128 KiB.
        let third: &'static [u8] = Box::leak(vec![0; 32 * 1024].into());
        let mut message = halves(vec![part(b"\0\0\x01\x80\0"), part(third), part(third), part(third)]);
        assert!(message.at_once().await.is_none());
        assert_eq!(message.all.len(), PREFIX + 96 * 1024);
        assert!(message.all.capacity() < 100 * 1024, "{}", message.all.capacity());
        // What says more than it sends gets no room for it.
        let mut liar = halves(vec![part(b"\0\0\x40\0\0"), part(b"ab")]);
        assert!(liar.at_once().await.is_none());
        assert!(liar.all.capacity() < 1024, "{}", liar.all.capacity());
    }

    #[tokio::test(start_paused = true)]
    async fn a_message_has_ten_seconds_whatever_comes_of_it() {
        let mut half = halves(vec![part(b"\0\0\0\0\x02a")]);
        assert!(half.at_once().await.is_none());
        let began = tokio::time::Instant::now();
        let refused = half.in_time().await.unwrap_err();
        assert_eq!(began.elapsed().as_secs(), 10);
        let refusal = Refusal::from_status(&refused).unwrap();
        assert_eq!(refusal.reason(), ErrorReason::RequestTimeout);
        assert!(refusal.message().contains("Nothing was stored; send it again"), "{refusal:?}");
    }

    #[tokio::test]
    async fn a_body_that_breaks_off_is_refused_as_it_was() {
        let parts = stream::iter([Ok(part(b"\0\0")), Err(Status::cancelled("gone"))]);
        let mut broken = Message::of(Body::new(StreamBody::new(parts)), Coding::Identity, None);
        assert_eq!(broken.at_once().await.unwrap().unwrap_err().code(), tonic::Code::Cancelled);
    }
}
