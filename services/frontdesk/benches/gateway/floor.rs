//! What sockets and hyper cost alone: a process with one worker that takes HTTP/1.1 and passes
//! each request on over HTTP/2, as the gateway does, and knows nothing of either. What it sends
//! on and what it answers was made beforehand: no header is looked at, nothing is read, written
//! anew, limited or logged. A gateway out of the same parts cannot cost less.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, TE};
use http::{HeaderValue, Method, Request, Response, Uri, Version};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http2::SendRequest;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};

use super::{Case, Proxy, free_port, wait_for};

/// By this argument the bench is the forwarder; its port, the service's address, the folder of
/// answers and the cases' names follow.
const ARGUMENT: &str = "forwards-blindly";

/// What is done with a request to a path.
struct Known {
    path: String,
    uri: Uri,
    frame: Bytes,
    answer: Bytes,
}

/// Starts it for these cases, with the answers that the gateway gives.
pub fn start(cases: &[Case], backend: SocketAddr, gateway: &Proxy, dir: &Path) -> Proxy {
    let port = free_port();
    let folder = dir.join("floor");
    std::fs::create_dir_all(&folder).unwrap();
    for (number, case) in cases.iter().enumerate() {
        let write = |what: &str, bytes: &[u8]| std::fs::write(folder.join(format!("{number}.{what}")), bytes);
        write("path", case.path.as_bytes()).unwrap();
        write("method", case.grpc_path.as_bytes()).unwrap();
        write("frame", &case.frame).unwrap();
        write("answer", &gateway.answer(case)).unwrap();
    }
    let child = Command::new(std::env::current_exe().unwrap())
        .arg(ARGUMENT)
        .arg(port.to_string())
        .arg(backend.to_string())
        .arg(&folder)
        .arg(cases.len().to_string())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    wait_for(port);
    Proxy { name: "floor", port, child }
}

/// Is the forwarder, for ever, if the bench was called to be it.
pub fn run_if_called() {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, called, port, backend, folder, count] = arguments.as_slice() else { return };
    if called != ARGUMENT {
        return;
    }
    let known = (0..count.parse().unwrap()).map(|number: usize| {
        let read = |what: &str| std::fs::read(Path::new(folder).join(format!("{number}.{what}"))).unwrap();
        let text = |what: &str| String::from_utf8(read(what)).unwrap();
        Known {
            path: text("path"),
            uri: format!("http://{backend}{}", text("method")).parse().unwrap(),
            frame: read("frame").into(),
            answer: read("answer").into(),
        }
    });
    let known: Arc<[Known]> = known.collect();
    let (port, backend) = (port.parse().unwrap(), backend.parse().unwrap());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(forward(port, backend, known));
}

async fn forward(port: u16, backend: SocketAddr, known: Arc<[Known]>) {
    let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    let stream = TcpStream::connect(backend).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let mut builder = hyper::client::conn::http2::Builder::new(TokioExecutor::new());
    let (sender, connection) =
        builder.timer(TokioTimer::new()).handshake::<_, Full<Bytes>>(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        let (sender, known) = (sender.clone(), Arc::clone(&known));
        let service = service_fn(move |request| answer(sender.clone(), Arc::clone(&known), request));
        let mut builder = hyper::server::conn::http1::Builder::new();
        let connection = builder.timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service);
        tokio::spawn(connection);
    }
}

async fn answer(
    mut sender: SendRequest<Full<Bytes>>,
    known: Arc<[Known]>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let path = request.uri().path_and_query().unwrap().as_str();
    let of_it = known.iter().find(|known| known.path == path).expect("only cases are asked for");
    let _given_up = request.into_body().collect().await;
    let mut call = Request::new(Full::new(of_it.frame.clone()));
    *call.method_mut() = Method::POST;
    *call.version_mut() = Version::HTTP_2;
    *call.uri_mut() = of_it.uri.clone();
    call.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    call.headers_mut().insert(TE, HeaderValue::from_static("trailers"));
    let answered = sender.send_request(call).await.expect("the service answers");
    answered.into_body().collect().await.expect("the service ends its answer");
    let mut response = Response::new(Full::new(of_it.answer.clone()));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}
