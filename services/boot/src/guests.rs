//! Who is connected to a gRPC server: so many at once, and only who speaks. HTTP/2 has no
//! limit of time for its own beginning, and its keepalive comes after that. What a guest does
//! not read of its answers is let go. The gateway's port has rules of its own.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep};
use tonic::transport::server::Connected;

use crate::at_once::{AtOnce, Full, Place};
use crate::client_address::client_of;
use crate::telemetry::{Count, Scrape};
use crate::unread::Unread;
use crate::{Accepted, ServerTls};

/// Most connections at once. Gateways and services need a few each, since many calls share
/// one; a process has 1,024 descriptors where nobody gave it more, and the database, probes
/// and the operator port need theirs.
const MOST: usize = 768;
/// Most of one client, so that probes and other callers have the rest.
const MOST_OF_ONE: usize = 512;
/// How long a client may take for its handshake and its first words.
const FIRST_WORDS_TIME: Duration = Duration::from_secs(12);
/// How often it is looked at what a client does not read.
const LOOK_AGAIN: Duration = Duration::from_secs(10);
/// How long nothing may be taken of what is written, as far as the system tells: that is, a third
/// of its buffer. HTTP/2 has pings, HTTP/1.1 has not.
const WRITE_TIME: Duration = Duration::from_mins(2);
/// Bytes with which every connection of HTTP/2 begins.
const FIRST_WORDS: usize = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".len();

/// Everybody who is connected to a server.
#[derive(Debug, Clone)]
pub(crate) struct Guests {
    places: AtOnce<IpAddr>,
    silent: Arc<Count>,
    unread: Arc<Count>,
    patience: Duration,
}

/// One who is connected.
#[derive(Debug)]
pub(crate) struct Guest {
    io: Accepted,
    /// Bytes of its first words that are waited for.
    missing: usize,
    /// Until when that is, and then when its answers are looked at.
    until: Pin<Box<Sleep>>,
    answers: Arc<Unread>,
    /// Since when nothing has been taken of what is written; `None` while it is taken.
    stuck_since: Option<Instant>,
    silent: Arc<Count>,
    unread: Arc<Count>,
    _place: Option<Place<IpAddr>>,
}

/// What calls over a connection have to know of it.
#[derive(Debug, Clone)]
pub(crate) struct Seat {
    pub peer: Option<SocketAddr>,
    pub answers: Arc<Unread>,
}

impl Default for Guests {
    fn default() -> Self {
        Self::of(MOST, MOST_OF_ONE, FIRST_WORDS_TIME)
    }
}

impl Guests {
    /// So many, so many of one client, and so patient.
    pub(crate) fn of(most: usize, most_of_one: usize, patience: Duration) -> Self {
        Self {
            places: AtOnce::new(most, most_of_one),
            silent: Arc::default(),
            unread: Arc::default(),
            patience,
        }
    }

    /// Lets a connection in, unless there are too many: then it is closed.
    pub(crate) fn welcome(&self, stream: TcpStream, tls: Option<&ServerTls>) -> Option<Guest> {
        // One of which nobody knows whose it is has ended already, and says so when it is read.
        let place = match stream.peer_addr().map(|peer| self.places.take(Some(client_of(peer.ip())))) {
            Ok(Ok(place)) => Some(place),
            Ok(Err(full)) => {
                let (Full::All(most) | Full::One(most)) = full;
                tracing::debug!(most, "there are too many connections");
                return None;
            }
            Err(_) => None,
        };
        Some(Guest {
            io: Accepted::new(stream, tls),
            missing: FIRST_WORDS,
            until: Box::pin(tokio::time::sleep(self.patience)),
            answers: Arc::default(),
            stuck_since: None,
            silent: Arc::clone(&self.silent),
            unread: Arc::clone(&self.unread),
            _place: place,
        })
    }

    /// How many there are, and who was not let in or did not stay.
    pub(crate) fn figures(&self, scrape: &mut Scrape) {
        let help = "Connections that are open.";
        scrape.how_many("frontdesk_grpc_connections", help, &[], self.places.taken());
        let (all, client) = self.places.refused();
        for (limit, refused) in [("all", all), ("client", client)] {
            let help =
                "Connections that were closed at once, because there were too many of all or of a client.";
            scrape.count("frontdesk_grpc_connections_refused_total", help, &[("limit", limit)], refused);
        }
        let help = "Connections that were closed because nothing was said on them.";
        scrape.count("frontdesk_grpc_connections_silent_total", help, &[], self.silent.get());
        let help = "Answers that were let go because nobody read them.";
        scrape.count("frontdesk_grpc_answers_unread_total", help, &[], self.unread.get());
    }
}

impl Guest {
    /// Fails when it has said nothing, or less than what begins a call, for too long, or has
    /// taken nothing. After its first words it lets go what is not read.
    fn poll_patience(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        while self.until.as_mut().poll(context).is_ready() {
            if self.missing > 0 {
                self.missing = 0;
                self.silent.add_one();
                tracing::debug!(peer = ?self.io, "nothing was said on a connection");
                return Err(io::Error::new(io::ErrorKind::TimedOut, "nothing was said on the connection"));
            }
            if self.stuck_since.is_some_and(|since| since.elapsed() >= WRITE_TIME) {
                self.unread.add_one();
                tracing::debug!(peer = ?self.io, "nothing was taken of what was written");
                return Err(io::Error::new(io::ErrorKind::TimedOut, "nothing was taken of what was written"));
            }
            let count = self.answers.let_go();
            if count > 0 {
                (0..count).for_each(|_| self.unread.add_one());
                tracing::debug!(peer = ?self.io, count, "answers were not read");
            }
            self.until.as_mut().reset(Instant::now() + LOOK_AGAIN);
        }
        Ok(())
    }

    /// Looks at what came of a try to write. The first words of the server wait for a handshake,
    /// too.
    fn wrote<T>(&mut self, tried: Poll<io::Result<T>>, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        if tried.is_ready() {
            self.stuck_since = None;
        } else {
            self.stuck_since.get_or_insert_with(Instant::now);
            self.poll_patience(context)?;
        }
        tried
    }
}

impl AsyncRead for Guest {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.io).poll_read(context, buffer);
        self.missing = self.missing.saturating_sub(buffer.filled().len() - before);
        if polled.is_pending() {
            self.poll_patience(context)?;
        }
        polled
    }
}

impl AsyncWrite for Guest {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let tried = Pin::new(&mut self.io).poll_write(context, bytes);
        self.wrote(tried, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let tried = Pin::new(&mut self.io).poll_write_vectored(context, slices);
        self.wrote(tried, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        // TLS takes what is written before it is sent.
        let tried = Pin::new(&mut self.io).poll_flush(context);
        self.wrote(tried, context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }
}

impl Connected for Guest {
    type ConnectInfo = Seat;

    fn connect_info(&self) -> Seat {
        Seat { peer: self.io.connect_info().remote_addr, answers: Arc::clone(&self.answers) }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    /// The clock goes on by itself wherever nothing but time is waited for.
    #[tokio::test(start_paused = true)]
    async fn who_takes_nothing_of_what_is_written_does_not_stay() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        let mut guest = Guests::default().welcome(stream, None).unwrap();
        client.write_all(&[b'x'; FIRST_WORDS]).await.unwrap();
        guest.read_exact(&mut [0; FIRST_WORDS]).await.unwrap();

        let part = vec![0; 1024 * 1024];
        guest.write_all(&part[..1024]).await.unwrap();
        let began = Instant::now();
        let error = loop {
            match guest.write_all(&part).await {
                Ok(()) => assert!(began.elapsed() < WRITE_TIME, "somebody takes it"),
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(began.elapsed() >= WRITE_TIME, "not before {WRITE_TIME:?}");
    }
}
