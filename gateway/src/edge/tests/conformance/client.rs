//! Asks a case of the gateway as its protocol has it, and reads what is answered.

use std::io::{Read as _, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use frontdesk_proto::rpc;
use http::{HeaderMap, HeaderName, Method, Request, Version};
use http_body_util::{BodyExt, Full};
use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, MethodDescriptor};
use prost_types::Any;
use serde_json::Value;
use tonic::body::Body;
use tonic::{Code, Status};

use super::backend::MOST;
use super::{Case, Protocol, SERVICE, Way};
use crate::call::headers::Client;
use crate::edge::Edge;

type Failed = String;

/// What was answered.
#[derive(Debug, Default)]
pub struct Heard {
    pub http: u16,
    pub headers: HeaderMap,
    pub trailers: HeaderMap,
    pub payloads: Vec<DynamicMessage>,
    pub code: i32,
    pub message: String,
    pub details: Vec<Any>,
}

/// A message as the protobuf JSON of a suite has it.
pub fn message(pool: &DescriptorPool, json: &Value) -> DynamicMessage {
    let name = json["@type"].as_str().unwrap().rsplit('/').next().unwrap();
    let mut json = json.clone();
    json.as_object_mut().unwrap().remove("@type");
    let of = pool.get_message_by_name(name).unwrap();
    DynamicMessage::deserialize(of, json).unwrap()
}

/// The method that a case calls.
pub fn method(pool: &DescriptorPool, case: &Case) -> MethodDescriptor {
    let request = &case.test["request"];
    let name = request["method"].as_str().unwrap_or(match request["streamType"].as_str().unwrap() {
        "STREAM_TYPE_UNARY" => "Unary",
        "STREAM_TYPE_SERVER_STREAM" => "ServerStream",
        "STREAM_TYPE_CLIENT_STREAM" => "ClientStream",
        _ => "BidiStream",
    });
    pool.get_service_by_name(SERVICE).unwrap().methods().find(|one| one.name() == name).unwrap()
}

/// The messages of a case, made as long as it wants them.
pub fn messages(pool: &DescriptorPool, case: &Case) -> Vec<DynamicMessage> {
    let said = case.test["request"]["requestMessages"].as_array().cloned().unwrap_or_default();
    let sizes = case.test["expandRequests"].as_array().cloned().unwrap_or_default();
    let mut messages: Vec<DynamicMessage> = said.iter().map(|json| message(pool, json)).collect();
    for (message, size) in messages.iter_mut().zip(&sizes) {
        let Some(relative) = size["sizeRelativeToLimit"].as_i64() else { continue };
        let wanted = usize::try_from(i64::try_from(MOST).unwrap() + relative).unwrap();
        let data = |length: usize| prost_reflect::Value::Bytes(vec![b'x'; length].into());
        message.set_field_by_name("request_data", data(0));
        // A tag, a length of four bytes.
        message.set_field_by_name("request_data", data(wanted - message.encoded_len() - 5));
        assert_eq!(message.encoded_len(), wanted);
    }
    messages
}

pub async fn ask(edge: &Edge, pool: &DescriptorPool, case: &Case) -> Result<Heard, Failed> {
    let method = method(pool, case);
    let request = match &case.test["request"]["rawRequest"] {
        Value::Null => request(pool, case, &method),
        raw => raw_request(pool, raw),
    };
    let client = Client::at([127, 0, 0, 1].into());
    let response = edge.answer(request, &client, ()).await;
    let (head, body) = response.into_parts();
    let whole = body.collect().await.map_err(|error| format!("the answer broke off: {error}"))?;
    let trailers = whole.trailers().cloned();
    let body = whole.to_bytes();
    let streams = method.is_client_streaming() || method.is_server_streaming();
    let told = Heard { http: head.status.as_u16(), headers: head.headers, ..Heard::default() };
    match case.way.protocol {
        Protocol::Connect if streams => told.connect_stream(&method, case.way, &body),
        Protocol::Connect => told.connect(&method, case.way, &body),
        Protocol::Grpc => told.grpc(&method, &body, trailers),
        Protocol::GrpcWeb => {
            let (body, trailers) = web_trailers(&body);
            told.grpc(&method, &body, trailers)
        }
    }
}

fn request(pool: &DescriptorPool, case: &Case, method: &MethodDescriptor) -> Request<Body> {
    let asked = &case.test["request"];
    let streams = method.is_client_streaming() || method.is_server_streaming();
    let Way { protocol, json, gzip } = case.way;
    let written = |message: &DynamicMessage| {
        if json { serde_json::to_vec(message).unwrap() } else { message.encode_to_vec() }
    };
    let messages = messages(pool, case);
    let path = format!("/{SERVICE}/{}", method.name());
    let codec = if json { "json" } else { "proto" };
    let by_get = asked["useGetHttpMethod"] == true && protocol == Protocol::Connect;
    let mut request = Request::new(Body::empty());
    *request.version_mut() = Version::HTTP_2;
    *request.method_mut() = if by_get { Method::GET } else { Method::POST };
    let body = match (protocol, streams) {
        (Protocol::Connect, false) => packed(written(&messages[0]), gzip),
        (Protocol::Connect, true) => {
            messages.iter().flat_map(|one| envelope(u8::from(gzip), &packed(written(one), gzip))).collect()
        }
        _ => messages.iter().flat_map(|one| envelope(0, &written(one))).collect(),
    };
    let query = format!("?connect=v1&base64=1&encoding={codec}&message={}", URL_SAFE_NO_PAD.encode(&body));
    *request.uri_mut() = format!("{path}{}", if by_get { query.as_str() } else { "" }).parse().unwrap();
    *request.headers_mut() = headers(case, streams, by_get);
    if !by_get {
        *request.body_mut() = Body::new(Full::new(Bytes::from(body)));
    }
    request
}

fn headers(case: &Case, streams: bool, by_get: bool) -> HeaderMap {
    let Way { protocol, json, gzip } = case.way;
    let codec = if json { "json" } else { "proto" };
    let time = case.test["request"]["timeoutMs"].as_u64();
    let mut headers = HeaderMap::new();
    let mut put = |name: &'static str, value: String| headers.insert(name, value.parse().unwrap());
    let mut put_if = |is: bool, name, value: &str| is.then(|| put(name, value.to_owned()));
    match protocol {
        Protocol::Connect => {
            let form = format!("application/{}{codec}", if streams { "connect+" } else { "" });
            put_if(!by_get, "content-type", &form);
            put_if(!by_get, "connect-protocol-version", "1");
            put_if(gzip && !streams && !by_get, "content-encoding", "gzip");
            put_if(gzip && !streams, "accept-encoding", "gzip");
            put_if(gzip && streams, "connect-content-encoding", "gzip");
            put_if(gzip && streams, "connect-accept-encoding", "gzip");
            put_if(time.is_some(), "connect-timeout-ms", &time.unwrap_or_default().to_string());
        }
        Protocol::Grpc | Protocol::GrpcWeb => {
            let is_web = protocol == Protocol::GrpcWeb;
            put_if(!is_web, "te", "trailers");
            put_if(is_web, "content-type", "application/grpc-web+proto");
            put_if(!is_web, "content-type", "application/grpc+proto");
            put_if(time.is_some(), "grpc-timeout", &format!("{}m", time.unwrap_or_default()));
        }
    }
    add(&mut headers, &case.test["request"]["requestHeaders"]);
    headers
}

/// A request as a case writes it out.
fn raw_request(pool: &DescriptorPool, raw: &Value) -> Request<Body> {
    let mut request = Request::new(Body::empty());
    *request.version_mut() = Version::HTTP_2;
    *request.method_mut() = raw["verb"].as_str().unwrap().parse().unwrap();
    *request.uri_mut() = raw["uri"].as_str().unwrap().parse().unwrap();
    add(request.headers_mut(), &raw["headers"]);
    let contents = |said: &Value| -> Vec<u8> {
        let of = |names: [&str; 2]| names.into_iter().map(|name| &said[name]).find(|one| !one.is_null());
        if let Some(json) = of(["binary_message", "binaryMessage"]) {
            message(pool, json).encode_to_vec()
        } else if let Some(binary) = of(["binary", "binary"]) {
            STANDARD.decode(binary.as_str().unwrap()).unwrap()
        } else {
            of(["text", "text"]).and_then(Value::as_str).unwrap_or_default().as_bytes().to_vec()
        }
    };
    let body = if raw["unary"].is_null() {
        let items = raw["stream"]["items"].as_array().cloned().unwrap_or_default();
        items
            .iter()
            .flat_map(|item| {
                let flags = u8::try_from(item["flags"].as_u64().unwrap_or_default()).unwrap();
                let payload = contents(&item["payload"]);
                let is_packed = item["payload"]["compression"] == "COMPRESSION_GZIP";
                envelope(flags, &packed(payload, is_packed))
            })
            .collect()
    } else {
        contents(&raw["unary"])
    };
    *request.body_mut() = Body::new(Full::new(Bytes::from(body)));
    request
}

fn add(headers: &mut HeaderMap, said: &Value) {
    for header in said.as_array().into_iter().flatten() {
        let name: HeaderName = header["name"].as_str().unwrap().to_ascii_lowercase().parse().unwrap();
        for value in header["value"].as_array().into_iter().flatten() {
            headers.append(&name, value.as_str().unwrap().parse().unwrap());
        }
    }
}

fn packed(message: Vec<u8>, gzip: bool) -> Vec<u8> {
    if !gzip {
        return message;
    }
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(&message).unwrap();
    encoder.finish().unwrap()
}

fn unpacked(message: &[u8], gzip: bool) -> Result<Vec<u8>, Failed> {
    let mut plain = Vec::new();
    if !gzip || message.is_empty() {
        return Ok(message.to_vec());
    }
    GzDecoder::new(message).read_to_end(&mut plain).map_err(|error| format!("no gzip: {error}"))?;
    Ok(plain)
}

fn envelope(flags: u8, message: &[u8]) -> Vec<u8> {
    [&[flags][..], &u32::try_from(message.len()).unwrap().to_be_bytes(), message].concat()
}

fn envelopes(mut rest: &[u8]) -> Result<Vec<(u8, Vec<u8>)>, Failed> {
    let mut found = Vec::new();
    while let [flags, a, b, c, d, after @ ..] = rest {
        let length = u32::from_be_bytes([*a, *b, *c, *d]) as usize;
        let (message, left) = after.split_at_checked(length).ok_or("an envelope is cut off")?;
        found.push((*flags, message.to_vec()));
        rest = left;
    }
    if rest.is_empty() { Ok(found) } else { Err("an envelope is cut off".to_owned()) }
}

fn web_trailers(body: &[u8]) -> (Vec<u8>, Option<HeaderMap>) {
    let Ok(found) = envelopes(body) else { return (body.to_vec(), None) };
    let Some((0x80, last)) = found.last() else { return (body.to_vec(), None) };
    let mut trailers = HeaderMap::new();
    for line in std::str::from_utf8(last).unwrap().lines() {
        let (name, value) = line.split_once(':').unwrap();
        trailers.append(name.parse::<HeaderName>().unwrap(), value.trim().parse().unwrap());
    }
    (body[..body.len() - last.len() - 5].to_vec(), Some(trailers))
}

impl Heard {
    fn connect(mut self, method: &MethodDescriptor, way: Way, body: &[u8]) -> Result<Self, Failed> {
        let prefixed = self.headers.iter().filter_map(|(name, value)| {
            let name = name.as_str().strip_prefix("trailer-")?;
            Some((name.parse::<HeaderName>().ok()?, value.clone()))
        });
        self.trailers = prefixed.collect();
        let coding = self.headers.get("content-encoding").map(|value| value == "gzip");
        let body = unpacked(body, coding == Some(true))?;
        let content_type = self.headers.get("content-type").cloned();
        let is = |name: &str| content_type.as_ref().is_some_and(|value| value == name);
        if self.http != 200 {
            let error: Option<Value> = serde_json::from_slice(&body).ok().filter(|_| is("application/json"));
            match error {
                Some(error) => self.error(&error)?,
                // As the protocol infers it.
                None => {
                    self.code = match self.http {
                        400 => 13,
                        401 => 16,
                        403 => 7,
                        404 => 12,
                        429 | 502..=504 => 14,
                        _ => 2,
                    }
                }
            }
            return Ok(self);
        }
        if !is(if way.json { "application/json" } else { "application/proto" }) {
            return Err(format!("its content type is {content_type:?}"));
        }
        self.payload(method, way, &body)?;
        Ok(self)
    }

    fn connect_stream(mut self, method: &MethodDescriptor, way: Way, body: &[u8]) -> Result<Self, Failed> {
        if self.http != 200 {
            return self.connect(method, way, body);
        }
        let gzip = self.headers.get("connect-content-encoding").is_some_and(|value| value == "gzip");
        let found = envelopes(body)?;
        let ((2 | 3, _), messages) = found.split_last().ok_or("there is no end")? else {
            return Err("it does not end with its end".to_owned());
        };
        for (flags, message) in messages {
            if *flags > u8::from(gzip) {
                return Err(format!("a message has flags {flags}"));
            }
            self.payload(method, way, &unpacked(message, *flags == 1)?)?;
        }
        let (flags, last) = found.last().unwrap();
        let end: Value =
            serde_json::from_slice(&unpacked(last, *flags == 3)?).map_err(|error| error.to_string())?;
        for (name, values) in end["metadata"].as_object().into_iter().flatten() {
            for value in values.as_array().unwrap() {
                let name: HeaderName = name.parse().unwrap();
                self.trailers.append(name, value.as_str().unwrap().parse().unwrap());
            }
        }
        if !end["error"].is_null() {
            self.error(&end["error"])?;
        }
        Ok(self)
    }

    fn error(&mut self, error: &Value) -> Result<(), Failed> {
        let word = error["code"].as_str().ok_or("an error has no code")?;
        let words = (1..=16).map(|code| frontdesk_proto::code_name(Code::from(code)).to_ascii_lowercase());
        let at = words.map(|word| word.replace("cancelled", "canceled")).position(|one| one == word);
        self.code = i32::try_from(at.ok_or_else(|| format!("{word} is no code"))?).unwrap() + 1;
        self.message = error["message"].as_str().unwrap_or_default().to_owned();
        for detail in error["details"].as_array().into_iter().flatten() {
            let value = STANDARD_NO_PAD
                .decode(detail["value"].as_str().unwrap())
                .map_err(|error| error.to_string())?;
            self.details.push(Any { type_url: format!("/{}", detail["type"].as_str().unwrap()), value });
        }
        Ok(())
    }

    fn grpc(
        mut self,
        method: &MethodDescriptor,
        body: &[u8],
        trailers: Option<HeaderMap>,
    ) -> Result<Self, Failed> {
        if self.http != 200 {
            self.code = match self.http {
                400 => 13,
                401 => 16,
                403 => 7,
                404 => 12,
                429 | 502..=504 => 14,
                _ => 2,
            };
            return Ok(self);
        }
        let way = Way { protocol: Protocol::Grpc, json: false, gzip: false };
        for (_, message) in envelopes(body)? {
            self.payload(method, way, &message)?;
        }
        self.trailers = trailers.unwrap_or_else(|| self.headers.clone());
        let status = Status::from_header_map(&self.trailers).ok_or("there is no status")?;
        self.code = status.code() as i32;
        self.message = status.message().to_owned();
        self.details = rpc::Status::decode(status.details()).map_err(|error| error.to_string())?.details;
        Ok(self)
    }

    fn payload(&mut self, method: &MethodDescriptor, way: Way, message: &[u8]) -> Result<(), Failed> {
        let read = if way.json {
            let json: Value = serde_json::from_slice(message).map_err(|error| error.to_string())?;
            DynamicMessage::deserialize(method.output(), json).map_err(|error| error.to_string())?
        } else {
            DynamicMessage::decode(method.output(), message).map_err(|error| error.to_string())?
        };
        let payload = read.get_field_by_name("payload").unwrap().into_owned();
        self.payloads.push(payload.as_message().unwrap().clone());
        Ok(())
    }
}
