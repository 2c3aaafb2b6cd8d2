//! The message of a call that sends one, read to its end before the method begins. A call is
//! let in by its head, and its message may come long after that: whether it came with the
//! head, or later, is what the layer asks here. A message has its time, whoever sends it: a
//! call that waits for one holds a place among those of its server. Calls that send many
//! messages are their methods' business, and so is what a message says.

use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use boot::nothing_stored;
use bytes::{Bytes, BytesMut};
use frontdesk_proto::{ErrorReason, Refusal};
use http_body_util::{BodyExt, Full};
use tonic::Status;
use tonic::body::Body;

/// Time for a message to arrive: that of a body at the gateway.
const TIME: Duration = Duration::from_secs(10);
/// Most bytes of a message, as tonic has it.
const MOST: usize = 4 * 1024 * 1024;
/// What comes before a message: a flag, and its length in four bytes.
const PREFIX: usize = 5;

/// A message on its way.
#[derive(Debug)]
pub(crate) struct Message {
    body: Body,
    /// What came first; mostly that is all, and is not copied.
    first: Bytes,
    /// All of it, if more came. Of tiny parts a list would take many times as much as they.
    all: BytesMut,
}

impl Message {
    pub(crate) fn of(body: Body) -> Self {
        Self { body, first: Bytes::new(), all: BytesMut::new() }
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
        let Self { body: _, first, all } = self;
        Body::new(Full::new(if all.is_empty() { first } else { all.freeze() }))
    }

    /// May be left and called again: a part that was read is kept.
    async fn read_on(&mut self) -> Result<(), Status> {
        while !self.is_too_long()
            && let Some(frame) = self.body.frame().await
        {
            // Trailers are the end, and say nothing.
            let Ok(part) = frame?.into_data() else { break };
            self.take(part);
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
        self.all.extend_from_slice(&part);
    }

    /// Whether it is longer than one may be, or says that it is going to be: it is refused by
    /// its beginning.
    fn is_too_long(&self) -> bool {
        let here = if self.all.is_empty() { &self.first[..] } else { &self.all[..] };
        let says = here.first_chunk().map(|[_, length @ ..]: &[u8; PREFIX]| u32::from_be_bytes(*length));
        let most = u32::try_from(MOST).unwrap_or(u32::MAX);
        here.len() > PREFIX + MOST || says.is_some_and(|says| says > most)
    }
}

fn too_slow() -> Refusal {
    let sentence = format!("The message did not arrive in {} s.", TIME.as_secs());
    Refusal::new(ErrorReason::RequestTimeout, nothing_stored(&sentence, "send it again"))
}

#[cfg(test)]
mod tests {
    use futures::stream::{self, StreamExt};
    use http::HeaderMap;
    use http_body::Frame;
    use http_body_util::StreamBody;

    use super::*;

    fn part(bytes: &'static [u8]) -> Frame<Bytes> {
        Frame::data(Bytes::from_static(bytes))
    }

    fn message(parts: Vec<Frame<Bytes>>) -> Message {
        Message::of(Body::new(StreamBody::new(stream::iter(parts).map(Ok::<_, Status>))))
    }

    /// One whose parts never end.
    fn halves(parts: Vec<Frame<Bytes>>) -> Message {
        let parts = stream::iter(parts).chain(stream::pending());
        Message::of(Body::new(StreamBody::new(parts.map(Ok::<_, Status>))))
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
        let mut none = message(Vec::new());
        none.at_once().await.unwrap().unwrap();
        assert!(text(none).await.is_empty());
    }

    #[tokio::test]
    async fn what_has_no_end_yet_is_not_whole_and_nothing_of_it_is_lost() {
        let (send, rest) = futures::channel::mpsc::unbounded();
        let mut message = Message::of(Body::new(StreamBody::new(rest.map(Ok::<_, Status>))));
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
        says_so.at_once().await.unwrap().unwrap();
        assert_eq!(text(says_so).await.len(), PREFIX);
        let one: &'static [u8] = Box::leak(vec![0; MOST].into());
        let mut many = halves(vec![part(one), part(one)]);
        many.at_once().await.unwrap().unwrap();
        assert_eq!(text(many).await.len(), 2 * MOST);
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
        let mut broken = Message::of(Body::new(StreamBody::new(parts)));
        assert_eq!(broken.at_once().await.unwrap().unwrap_err().code(), tonic::Code::Cancelled);
    }
}
