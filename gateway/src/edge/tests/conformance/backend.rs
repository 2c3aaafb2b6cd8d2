//! The service of the suites over gRPC: it answers as its first request says, with what it saw.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use frontdesk_proto::rpc;
use futures::stream;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, ReflectMessage, Value};
use prost_types::Any;
use tokio::net::TcpListener;
use tonic::body::Body;
use tonic::{Code, Status};

/// Most bytes of a message.
pub const MOST: usize = 4 * 1024 * 1024;
const PACKAGE: &str = "connectrpc.conformance.v1";

/// Where it is.
pub async fn start(pool: DescriptorPool) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let pool = pool.clone();
            let service = service_fn(move |request| {
                let pool = pool.clone();
                async move { Ok::<_, std::convert::Infallible>(answer(&pool, request).await) }
            });
            tokio::spawn(async move {
                let builder = Builder::new(TokioExecutor::new());
                builder
                    .serve_connection(TokioIo::new(stream), service)
                    .await
                    .map_err(drop)
                    .unwrap_or_default();
            });
        }
    });
    addr
}

/// An answer on its way: messages, each after a while, and how it ends.
struct Said {
    headers: HeaderMap,
    messages: Vec<DynamicMessage>,
    delay: Duration,
    end: Status,
    trailers: HeaderMap,
}

async fn answer(pool: &DescriptorPool, request: Request<Incoming>) -> Response<Body> {
    let (head, body) = request.into_parts();
    let method = head.uri.path().rsplit('/').next().unwrap_or_default().to_owned();
    let said = match body.collect().await {
        Ok(whole) => said(pool, &method, &head.headers, &whole.to_bytes()),
        Err(_) => Err(Status::cancelled("the request broke off")),
    };
    let Said { headers, messages, delay, end, trailers } = match said {
        Ok(said) => said,
        Err(status) => return status.into_http(),
    };
    let mut ended = trailers;
    end.add_header(&mut ended).unwrap();
    if end.code() == Code::Ok {
        ended.insert("grpc-status", HeaderValue::from_static("0"));
    }
    let frames = messages.into_iter().map(|message| Frame::data(frame(&message.encode_to_vec())));
    let frames: Vec<_> = frames.chain([Frame::trailers(ended)]).collect();
    let frames = stream::unfold(frames.into_iter(), move |mut left| async move {
        let next = left.next()?;
        if !delay.is_zero() && !next.is_trailers() {
            tokio::time::sleep(delay).await;
        }
        Some((Ok::<_, Status>(next), left))
    });
    let mut response = Response::new(Body::new(StreamBody::new(frames)));
    *response.headers_mut() = headers;
    response.headers_mut().insert("content-type", HeaderValue::from_static("application/grpc+proto"));
    response
}

fn frame(message: &[u8]) -> Bytes {
    let mut frame = BytesMut::new();
    frame.put_u8(0);
    frame.put_u32(u32::try_from(message.len()).unwrap());
    frame.put_slice(message);
    frame.freeze()
}

fn said(pool: &DescriptorPool, method: &str, asked: &HeaderMap, body: &[u8]) -> Result<Said, Status> {
    let service = pool.get_service_by_name(super::SERVICE).unwrap();
    let method = service.methods().find(|one| one.name() == method);
    let method = method.ok_or_else(|| Status::unimplemented("there is no such method"))?;
    if method.name() == "Unimplemented" {
        return Err(Status::unimplemented("it is not implemented"));
    }
    let requests = requests(method.input(), asked, body)?;
    if !method.is_client_streaming() && requests.len() != 1 {
        return Err(Status::unimplemented("the method takes one message"));
    }
    let first = requests.first().cloned().unwrap_or_else(|| DynamicMessage::new(method.input()));
    let definition = first.get_field_by_name("response_definition").unwrap().into_owned();
    let definition =
        if first.has_field_by_name("response_definition") { definition.as_message().cloned() } else { None };
    let is_full = method.name() == "BidiStream"
        && first.get_field_by_name("full_duplex").unwrap().as_bool() == Some(true);
    let data = data(definition.as_ref(), method.is_server_streaming());
    let error = definition.as_ref().filter(|definition| definition.has_field_by_name("error"));
    let error =
        error.and_then(|definition| definition.get_field_by_name("error").unwrap().as_message().cloned());
    let info = |requests: &[DynamicMessage]| info(pool, asked, requests);
    let messages: Vec<DynamicMessage> = if error.is_some() && !method.is_server_streaming() {
        Vec::new()
    } else {
        let payload = |(at, data): (usize, &Vec<u8>)| {
            let seen = match (is_full, at) {
                (true, at) => requests.get(at).map(std::slice::from_ref).map(info),
                (false, 0) => Some(info(&requests)),
                (false, _) => None,
            };
            response(method.output(), pool, data, seen)
        };
        data.iter().enumerate().map(payload).collect()
    };
    let nothing = messages.is_empty();
    let end = error.map_or_else(|| Status::ok(""), |error| status(&error, nothing.then(|| info(&requests))));
    let of = |name: &str| definition.as_ref().map(|definition| headers(definition, name)).unwrap_or_default();
    let delay = definition
        .as_ref()
        .map_or(0, |one| one.get_field_by_name("response_delay_ms").unwrap().as_u32().unwrap());
    Ok(Said {
        headers: of("response_headers"),
        messages,
        delay: Duration::from_millis(delay.into()),
        end,
        trailers: of("response_trailers"),
    })
}

/// Each data of an answer; one that answers once has one at least.
fn data(definition: Option<&DynamicMessage>, streams: bool) -> Vec<Vec<u8>> {
    let said =
        definition.map(|definition| definition.get_field_by_name("response_data").unwrap().into_owned());
    match said {
        Some(Value::List(list)) => list.iter().map(|one| one.as_bytes().unwrap().to_vec()).collect(),
        Some(Value::Bytes(data)) => vec![data.to_vec()],
        _ if streams => Vec::new(),
        _ => vec![Vec::new()],
    }
}

fn requests(
    input: prost_reflect::MessageDescriptor,
    asked: &HeaderMap,
    mut rest: &[u8],
) -> Result<Vec<DynamicMessage>, Status> {
    let coding = asked.get("grpc-encoding").and_then(|value| value.to_str().ok()).unwrap_or("identity");
    if !matches!(coding, "identity" | "gzip") {
        return Err(Status::unimplemented("messages are taken as they are or with gzip"));
    }
    let mut requests = Vec::new();
    while let [flags, a, b, c, d, after @ ..] = rest {
        let length = u32::from_be_bytes([*a, *b, *c, *d]) as usize;
        if *flags != 0 {
            return Err(Status::new(Code::Internal, "a message is compressed, and nothing says how"));
        }
        if length > MOST {
            return Err(Status::resource_exhausted("a message is too large"));
        }
        let (message, left) = after.split_at(length);
        requests.push(
            DynamicMessage::decode(input.clone(), message)
                .map_err(|_| Status::new(Code::Internal, "no message"))?,
        );
        rest = left;
    }
    Ok(requests)
}

fn headers(definition: &DynamicMessage, name: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for header in definition.get_field_by_name(name).unwrap().as_list().unwrap() {
        let header = header.as_message().unwrap();
        let name = header.get_field_by_name("name").unwrap().as_str().unwrap().to_owned();
        for value in header.get_field_by_name("value").unwrap().as_list().unwrap() {
            let name = HeaderName::from_bytes(name.to_ascii_lowercase().as_bytes()).unwrap();
            headers.append(name, value.as_str().unwrap().parse().unwrap());
        }
    }
    headers
}

/// What was seen of a call.
fn info(pool: &DescriptorPool, asked: &HeaderMap, requests: &[DynamicMessage]) -> DynamicMessage {
    let message =
        |name: &str| DynamicMessage::new(pool.get_message_by_name(&format!("{PACKAGE}.{name}")).unwrap());
    let mut info = message("ConformancePayload.RequestInfo");
    let seen = asked.keys().map(|name| {
        let mut header = message("Header");
        let values =
            asked.get_all(name).iter().map(|value| Value::String(value.to_str().unwrap().to_owned()));
        header.set_field_by_name("name", Value::String(name.as_str().to_owned()));
        header.set_field_by_name("value", Value::List(values.collect()));
        Value::Message(header)
    });
    info.set_field_by_name("request_headers", Value::List(seen.collect()));
    if let Some(time) = asked.get("grpc-timeout").and_then(boot::deadline::grpc_timeout) {
        info.set_field_by_name("timeout_ms", Value::I64(i64::try_from(time.as_millis()).unwrap()));
    }
    let any = pool.get_message_by_name("google.protobuf.Any").unwrap();
    let anys = requests.iter().map(|request| {
        let mut one = DynamicMessage::new(any.clone());
        let url = format!("type.googleapis.com/{}", request.descriptor().full_name());
        one.set_field_by_name("type_url", Value::String(url));
        one.set_field_by_name("value", Value::Bytes(request.encode_to_vec().into()));
        Value::Message(one)
    });
    info.set_field_by_name("requests", Value::List(anys.collect()));
    info
}

fn response(
    output: prost_reflect::MessageDescriptor,
    pool: &DescriptorPool,
    data: &[u8],
    info: Option<DynamicMessage>,
) -> DynamicMessage {
    let payload = pool.get_message_by_name(&format!("{PACKAGE}.ConformancePayload")).unwrap();
    let mut payload = DynamicMessage::new(payload);
    payload.set_field_by_name("data", Value::Bytes(data.to_vec().into()));
    if let Some(info) = info {
        payload.set_field_by_name("request_info", Value::Message(info));
    }
    let mut response = DynamicMessage::new(output);
    response.set_field_by_name("payload", Value::Message(payload));
    response
}

/// A status with the details that are asked for, and with what was seen.
fn status(error: &DynamicMessage, info: Option<DynamicMessage>) -> Status {
    let code = error.get_field_by_name("code").unwrap().as_enum_number().unwrap();
    let message = error.get_field_by_name("message").unwrap().as_str().unwrap().to_owned();
    let details = error.get_field_by_name("details").unwrap().into_owned();
    let details = details.as_list().unwrap().iter().map(|detail| {
        let detail = detail.as_message().unwrap();
        let text = |name| detail.get_field_by_name(name).unwrap().into_owned();
        Any {
            type_url: text("type_url").as_str().unwrap().to_owned(),
            value: text("value").as_bytes().unwrap().to_vec(),
        }
    });
    let info = info.map(|info| Any {
        type_url: format!("type.googleapis.com/{}", info.descriptor().full_name()),
        value: info.encode_to_vec(),
    });
    let details = details.chain(info).collect();
    let detailed = rpc::Status { code, message: message.clone(), details };
    Status::with_details(Code::from(code), message, detailed.encode_to_vec().into())
}
