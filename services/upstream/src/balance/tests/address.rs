//! Addresses that behave as real ones do on their bad days.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Full, combinators::BoxBody};
use hyper::body::{Frame, Incoming};
use hyper::server::conn::http2::Builder;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinSet;

const HEALTH: &str = "/grpc.health.v1.Health/Check";

type Answer = Response<BoxBody<Bytes, Infallible>>;

/// An address, while somebody keeps it.
pub struct Address {
    pub addr: SocketAddr,
    /// Calls that came there, without questions about its health.
    calls: Arc<AtomicUsize>,
    _running: JoinSet<()>,
}

/// What becomes of a connection.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Keeps {
    Connections,
    /// Says GOAWAY after each call.
    OneCall,
    /// Drops the connection under each call.
    Nothing,
    /// Says nothing more from its first call on.
    Half,
}

impl Address {
    /// One that answers each call with what the function makes, and says that it serves.
    pub async fn new<A>(keeps: Keeps, answer: impl Fn(usize) -> A + Clone + Send + 'static) -> Self
    where
        A: Future<Output = Answer> + Send + 'static,
    {
        Self::at(TcpListener::bind("127.0.0.1:0").await.unwrap(), keeps, answer)
    }

    pub fn at<A>(
        listener: TcpListener,
        keeps: Keeps,
        answer: impl Fn(usize) -> A + Clone + Send + 'static,
    ) -> Self
    where
        A: Future<Output = Answer> + Send + 'static,
    {
        let (addr, calls) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
        let (counted, mut running) = (Arc::clone(&calls), JoinSet::new());
        running.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                connections.spawn(serve(stream, keeps, Arc::clone(&counted), answer.clone()));
            }
        });
        Self { addr, calls, _running: running }
    }

    pub async fn well() -> Self {
        Self::new(Keeps::Connections, |_| async { ended("0", &[]) }).await
    }

    pub fn calls(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }
}

async fn serve<A>(
    stream: TcpStream,
    keeps: Keeps,
    calls: Arc<AtomicUsize>,
    answer: impl Fn(usize) -> A + Clone + Send + 'static,
) where
    A: Future<Output = Answer> + Send + 'static,
{
    let called = Arc::new(Notify::new());
    let tell = Arc::clone(&called);
    let service = service_fn(move |request: Request<Incoming>| {
        let is_health = request.uri().path() == HEALTH;
        let answered = (!is_health).then(|| answer(calls.fetch_add(1, Ordering::Relaxed)));
        if !is_health {
            tell.notify_one();
        }
        async move {
            match answered {
                Some(answered) => Ok::<_, Infallible>(answered.await),
                None => Ok(serving()),
            }
        }
    });
    let connection = Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    tokio::select! {
        _ = &mut connection => return,
        () = called.notified(), if keeps != Keeps::Connections => {}
    }
    match keeps {
        Keeps::OneCall => {
            connection.as_mut().graceful_shutdown();
            connection.await.unwrap_or_default();
        }
        Keeps::Half => std::future::pending().await,
        Keeps::Connections | Keeps::Nothing => {}
    }
}

/// An answer with nothing but its trailers.
pub fn ended(status: &str, more: &[(&'static str, &'static str)]) -> Answer {
    let mut response =
        Response::builder().header("content-type", "application/grpc").header("grpc-status", status);
    for (name, value) in more {
        response = response.header(*name, *value);
    }
    response.body(Full::default().boxed()).unwrap()
}

/// An answer with a message and these trailers.
pub fn with_trailers(message: &'static [u8], trailers: HeaderMap) -> Answer {
    let frames = [Ok(Frame::data(Bytes::from_static(message))), Ok(Frame::trailers(trailers))];
    let body = http_body_util::StreamBody::new(futures::stream::iter(frames));
    Response::builder().header("content-type", "application/grpc").body(BodyExt::boxed(body)).unwrap()
}

fn serving() -> Answer {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", "0".parse().unwrap());
    with_trailers(&[0, 0, 0, 0, 2, 8, 1], trailers)
}

/// An address that swallows whoever connects, as one does that is switched off.
pub async fn black_hole() -> (SocketAddr, Vec<TcpStream>) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let (addr, mut waiting) = (listener.local_addr().unwrap(), Vec::new());
    // Those that fit into its queue are connected; then nobody is.
    while let Ok(stream) = tokio::time::timeout(Duration::from_millis(300), TcpStream::connect(addr)).await {
        waiting.push(stream.unwrap());
    }
    std::mem::forget(listener);
    (addr, waiting)
}

/// Nobody listens there.
pub async fn closed() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}

/// Where somebody listened until now.
pub async fn bind_again(addr: SocketAddr) -> TcpListener {
    loop {
        match TcpListener::bind(addr).await {
            Ok(listener) => return listener,
            Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    }
}
