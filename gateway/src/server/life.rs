//! How long a connection stays: until its first request, while the head of another one
//! comes, while nothing is asked, and in all. hyper's own timer makes no difference between
//! a head that does not come to its end and one that has not begun: a load balancer that
//! keeps connections would find them closed just when it uses them.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::Version;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::time::Instant;

/// Time for the head of an HTTP/1.1 request.
const HEAD_TIME: Duration = Duration::from_secs(10);
/// Time for the first request of a connection, whatever its protocol.
const FIRST_REQUEST_TIME: Duration = Duration::from_secs(15);
/// How long one that rests may soon be used again.
const SOON: Duration = Duration::from_secs(1);

/// What is known of a connection.
#[derive(Debug)]
pub struct Life {
    began: Instant,
    idle: Duration,
    age: Duration,
    asked: AtomicBool,
    /// Whether it speaks HTTP/1, once that is known.
    http1: AtomicBool,
    under_way: AtomicU32,
    /// Bodies of requests that were not read to their end, whatever was answered.
    unread: AtomicU32,
    /// Milliseconds from the beginning to the end of the last request.
    rests_since: AtomicU64,
    /// The same to the first byte after it; 0 if there is none.
    head_since: AtomicU64,
    /// Whether something is written that was not passed on yet.
    writes: AtomicBool,
}

/// A request of the connection, until it is dropped.
#[derive(Debug)]
pub struct Asked(Arc<Life>);

/// The body of a request, until it was read or is dropped.
#[derive(Debug)]
pub struct Unread(Arc<Life>);

/// What should become of a connection now.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It stays; look again at this time.
    Stays(Instant),
    /// It ends when its requests have.
    Ends,
    /// It is closed.
    Closed,
}

/// A stream that tells the life of its connection what is read.
pub struct Observed<S> {
    stream: S,
    life: Arc<Life>,
    /// What was read and is read again.
    again: Bytes,
}

impl Life {
    /// Of a connection that begins now. `spread` is another one for each, so that those
    /// that began together do not end together.
    pub fn new(idle: Duration, age: Duration, spread: u16) -> Arc<Self> {
        let tenth = age / 10;
        Arc::new(Self {
            began: Instant::now(),
            idle,
            age: age.saturating_sub(tenth.mul_f32(f32::from(spread) / f32::from(u16::MAX))),
            asked: AtomicBool::new(false),
            http1: AtomicBool::new(false),
            under_way: AtomicU32::new(0),
            unread: AtomicU32::new(0),
            rests_since: AtomicU64::new(0),
            head_since: AtomicU64::new(0),
            writes: AtomicBool::new(false),
        })
    }

    /// A request has come.
    pub fn asked(self: &Arc<Self>, version: Version) -> Asked {
        self.under_way.fetch_add(1, Ordering::Relaxed);
        self.http1.store(version < Version::HTTP_2, Ordering::Relaxed);
        self.head_since.store(0, Ordering::Relaxed);
        self.asked.store(true, Ordering::Relaxed);
        Asked(Arc::clone(self))
    }

    /// The request has a body.
    pub fn unread(self: &Arc<Self>) -> Unread {
        self.unread.fetch_add(1, Ordering::Relaxed);
        Unread(Arc::clone(self))
    }

    /// Whether it has stayed for its time.
    pub fn is_old(&self) -> bool {
        Instant::now() >= self.began + self.age
    }

    /// What should become of it.
    pub fn verdict(&self) -> Verdict {
        let now = Instant::now();
        let first = self.began + FIRST_REQUEST_TIME;
        if !self.asked.load(Ordering::Relaxed) {
            return if now >= first { Verdict::Closed } else { Verdict::Stays(first) };
        }
        let is_http1 = self.http1.load(Ordering::Relaxed);
        let soon = match self.began + self.age {
            // One of HTTP/1 would be closed under a request on its way; its next answer says
            // that it is the last one.
            old if now >= old && !is_http1 => return Verdict::Ends,
            old if now >= old => now + HEAD_TIME,
            old => old.min(now + HEAD_TIME),
        };
        if self.under_way.load(Ordering::Relaxed) > 0 {
            return Verdict::Stays(soon);
        }
        let head = self.head_since.load(Ordering::Relaxed);
        if head > 0 && is_http1 {
            let late = self.at(head) + HEAD_TIME;
            return if now >= late { Verdict::Closed } else { Verdict::Stays(late.min(soon)) };
        }
        let long = self.at(self.rests_since.load(Ordering::Relaxed)) + self.idle;
        if now >= long { Verdict::Ends } else { Verdict::Stays(long.min(soon)) }
    }

    /// Whether an answer is under way.
    pub fn is_asked(&self) -> bool {
        self.under_way.load(Ordering::Relaxed) > 0
    }

    /// Whether it is one of HTTP/1.1 that has been at rest for a while: all was read and answered,
    /// all is written, and nothing has come.
    pub fn rests(&self) -> bool {
        self.http1.load(Ordering::Relaxed)
            && self.under_way.load(Ordering::Relaxed) == 0
            && self.unread.load(Ordering::Relaxed) == 0
            && self.head_since.load(Ordering::Relaxed) == 0
            && !self.writes.load(Ordering::Relaxed)
            && Instant::now() >= self.at(self.rests_since.load(Ordering::Relaxed)) + SOON
    }

    fn has_read(&self) {
        let waits = self.under_way.load(Ordering::Relaxed) == 0;
        if waits && self.head_since.load(Ordering::Relaxed) == 0 {
            self.head_since.store(self.now().max(1), Ordering::Relaxed);
        }
    }

    fn at(&self, millis: u64) -> Instant {
        self.began + Duration::from_millis(millis)
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

impl Drop for Unread {
    fn drop(&mut self) {
        // What is left of it, hyper deals with in the time that follows.
        self.0.rests_since.store(self.0.now(), Ordering::Relaxed);
        self.0.unread.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        self.0.rests_since.store(self.0.now(), Ordering::Relaxed);
        self.0.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

impl<S> Observed<S> {
    pub fn new(stream: S, life: Arc<Life>) -> Self {
        Self { stream, life, again: Bytes::new() }
    }

    /// Gives back what was read.
    pub fn unread(&mut self, bytes: Bytes) {
        self.again = bytes;
    }

    /// Waits for something to read, or for the end: then there is nothing.
    pub async fn readable(&mut self) -> io::Result<bool>
    where
        S: AsyncRead + Unpin,
    {
        let mut first = [0; 64];
        let length = self.read(&mut first).await?;
        self.again = Bytes::copy_from_slice(&first[..length]);
        Ok(length > 0)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Observed<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.again.is_empty() {
            let length = self.again.len().min(buffer.remaining());
            buffer.put_slice(&self.again.split_to(length));
            self.life.has_read();
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(context, buffer);
        if buffer.filled().len() > before {
            self.life.has_read();
        }
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Observed<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.life.writes.store(true, Ordering::Relaxed);
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.life.writes.store(true, Ordering::Relaxed);
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        if flushed.is_ready() {
            self.life.writes.store(false, Ordering::Relaxed);
        }
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDLE: Duration = Duration::from_secs(75);
    const AGE: Duration = Duration::from_hours(1);

    async fn later(time: Duration) {
        tokio::time::advance(time).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_rests_stays_for_longer_than_load_balancers_keep_it() {
        let life = Life::new(IDLE, AGE, 0);
        later(Duration::from_secs(14)).await;
        assert!(matches!(life.verdict(), Verdict::Stays(_)));
        drop(life.asked(Version::HTTP_11));
        later(Duration::from_secs(74)).await;
        assert!(matches!(life.verdict(), Verdict::Stays(_)), "a load balancer keeps it for 60 s");
        let long = life.asked(Version::HTTP_11);
        later(IDLE * 2).await;
        assert!(matches!(life.verdict(), Verdict::Stays(_)), "a request is under way");
        drop(long);
        later(IDLE).await;
        assert_eq!(life.verdict(), Verdict::Ends);
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_that_does_not_come_to_its_end_has_little_time() {
        let life = Life::new(IDLE, AGE, 0);
        life.has_read();
        drop(life.asked(Version::HTTP_11));
        life.has_read();
        later(Duration::from_secs(9)).await;
        life.has_read();
        assert!(matches!(life.verdict(), Verdict::Stays(_)));
        later(Duration::from_millis(1100)).await;
        assert_eq!(life.verdict(), Verdict::Closed);
        // Over HTTP/2 it may be a ping.
        drop(life.asked(Version::HTTP_2));
        life.has_read();
        later(HEAD_TIME).await;
        assert!(matches!(life.verdict(), Verdict::Stays(_)));
    }

    #[tokio::test(start_paused = true)]
    async fn one_rests_a_while_after_all_of_its_request_was_read_and_answered() {
        let life = Life::new(IDLE, AGE, 0);
        let (asked, unread) = (life.asked(Version::HTTP_11), life.unread());
        later(SOON * 2).await;
        assert!(!life.rests());
        drop(asked);
        later(SOON * 2).await;
        assert!(!life.rests(), "what is left of the body would be read as a request");
        drop(unread);
        assert!(!life.rests(), "hyper has not dealt with what is left");
        later(SOON).await;
        assert!(life.rests());
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_asks_nothing_is_closed_and_an_old_one_ends_each_at_its_time() {
        let (life, other) = (Life::new(IDLE, AGE, 0), Life::new(IDLE, AGE, u16::MAX));
        let silent = Life::new(IDLE, AGE, 0);
        let _lasting = (life.asked(Version::HTTP_2), other.asked(Version::HTTP_2));
        later(FIRST_REQUEST_TIME).await;
        assert_eq!(silent.verdict(), Verdict::Closed);
        later(AGE * 9 / 10).await;
        assert!(matches!(life.verdict(), Verdict::Stays(_)));
        assert_eq!(other.verdict(), Verdict::Ends);
        later(AGE / 10).await;
        assert_eq!(life.verdict(), Verdict::Ends);
    }

    /// Whoever keeps it may be sending a request just now.
    #[tokio::test(start_paused = true)]
    async fn an_old_one_of_http_1_ends_with_an_answer_or_when_it_has_rested() {
        let life = Life::new(IDLE, AGE, 0);
        let asked = life.asked(Version::HTTP_11);
        later(AGE).await;
        drop(asked);
        assert!(life.is_old() && matches!(life.verdict(), Verdict::Stays(_)));
        later(IDLE).await;
        assert_eq!(life.verdict(), Verdict::Ends);
    }
}
