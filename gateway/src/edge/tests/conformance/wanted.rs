//! What a case wants to be answered: what it says, and else what its first request asks for.

use http::HeaderMap;
use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage};
use serde_json::Value;
use tonic::Code;

use super::Case;
use super::client::{Heard, messages, method};

/// Whether an answer is what its case wants.
pub fn compare(pool: &DescriptorPool, case: &Case, told: &Heard) -> Result<(), String> {
    let Case { test, .. } = case;
    let wanted = &test["expectedResponse"];
    if let Some(http) = wanted["httpStatusCode"].as_u64()
        && http != u64::from(told.http)
    {
        return Err(format!("HTTP {} in place of {http}", told.http));
    }
    let definition = &test["request"]["requestMessages"][0]["responseDefinition"];
    let error = if wanted["error"].is_null() { &definition["error"] } else { &wanted["error"] };
    code(test, error, told)?;
    if !wanted["error"].is_null() {
        return Ok(());
    }
    if let Some(message) = error["message"].as_str()
        && message != told.message
    {
        return Err(format!("the message is {:?}", told.message));
    }
    has_all(&definition["responseHeaders"], &told.headers, "header")?;
    has_all(&definition["responseTrailers"], &told.trailers, "trailer")?;
    data(case, definition, told, pool)?;
    seen(pool, case, told)
}

fn code(test: &Value, error: &Value, told: &Heard) -> Result<(), String> {
    let named = |code: &Value| code.as_str().unwrap_or_default().trim_start_matches("CODE_").to_owned();
    let name = frontdesk_proto::code_name(Code::from(told.code)).replace("CANCELLED", "CANCELED");
    let others = test["otherAllowedErrorCodes"].as_array().cloned().unwrap_or_default();
    let allowed: Vec<String> = match error {
        Value::Null => vec!["OK".to_owned()],
        error => [&error["code"]].into_iter().chain(&others).map(named).collect(),
    };
    if allowed.contains(&name) {
        Ok(())
    } else {
        Err(format!("{name} in place of {allowed:?}: {}", told.message))
    }
}

fn has_all(wanted: &Value, headers: &HeaderMap, what: &str) -> Result<(), String> {
    for header in wanted.as_array().into_iter().flatten() {
        let name = header["name"].as_str().unwrap().to_ascii_lowercase();
        let values = headers.get_all(&name).iter().flat_map(|value| value.to_str().unwrap().split(','));
        let values: Vec<&str> = values.map(str::trim).collect();
        let expected: Vec<&str> =
            header["value"].as_array().unwrap().iter().map(|one| one.as_str().unwrap()).collect();
        if values != expected {
            return Err(format!("the {what} {name} is {values:?}"));
        }
    }
    Ok(())
}

fn data(case: &Case, definition: &Value, told: &Heard, pool: &DescriptorPool) -> Result<(), String> {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    let read = |text: &Value| STANDARD.decode(text.as_str().unwrap()).unwrap();
    let method = method(pool, case);
    let expected: Vec<Vec<u8>> = match &definition["responseData"] {
        Value::Array(list) => list.iter().map(read).collect(),
        Value::Null if method.is_server_streaming() || !definition["error"].is_null() => Vec::new(),
        Value::Null => vec![Vec::new()],
        text => vec![read(text)],
    };
    let got = told.payloads.iter().map(|payload| bytes(payload, "data"));
    let got: Vec<Vec<u8>> = got.collect();
    if got == expected { Ok(()) } else { Err(format!("{} messages, or with other data", got.len())) }
}

fn bytes(message: &DynamicMessage, field: &str) -> Vec<u8> {
    message.get_field_by_name(field).unwrap().as_bytes().unwrap().to_vec()
}

/// What the service saw of the request, in the first message or beside the error.
fn seen(pool: &DescriptorPool, case: &Case, told: &Heard) -> Result<(), String> {
    const INFO: &str = "connectrpc.conformance.v1.ConformancePayload.RequestInfo";
    let infos: Vec<DynamicMessage> = if let Some(payload) = told.payloads.first() {
        let info = payload.get_field_by_name("request_info").unwrap().into_owned();
        info.as_message().cloned().into_iter().collect()
    } else {
        let details = told.details.iter().filter(|detail| detail.type_url.ends_with(INFO));
        let of = pool.get_message_by_name(INFO).unwrap();
        details.map(|detail| DynamicMessage::decode(of.clone(), &*detail.value).unwrap()).collect()
    };
    let Some(info) = infos.first() else {
        return if told.code == 0 { Ok(()) } else { Err("nothing says what was seen".to_owned()) };
    };
    let mut headers = HeaderMap::new();
    for header in info.get_field_by_name("request_headers").unwrap().as_list().unwrap() {
        let header = header.as_message().unwrap();
        let name = header.get_field_by_name("name").unwrap().as_str().unwrap().to_owned();
        for value in header.get_field_by_name("value").unwrap().as_list().unwrap() {
            let name: http::HeaderName = name.parse().unwrap();
            headers.append(name, value.as_str().unwrap().parse().unwrap());
        }
    }
    has_all(&case.test["request"]["requestHeaders"], &headers, "header that was seen")?;
    if let Some(time) = case.test["request"]["timeoutMs"].as_i64() {
        let seen = info.get_field_by_name("timeout_ms").unwrap().as_i64().unwrap();
        if seen > time || seen < time - 500 {
            return Err(format!("{seen} ms were left of {time}"));
        }
    }
    let is_full = case.test["request"]["streamType"] == "STREAM_TYPE_FULL_DUPLEX_BIDI_STREAM";
    let requests = info.get_field_by_name("requests").unwrap().into_owned();
    let got: Vec<Vec<u8>> =
        requests.as_list().unwrap().iter().map(|any| bytes(any.as_message().unwrap(), "value")).collect();
    let mut sent: Vec<Vec<u8>> = messages(pool, case).iter().map(Message::encode_to_vec).collect();
    if is_full {
        sent.truncate(got.len());
    }
    if got == sent { Ok(()) } else { Err(format!("{} requests were seen, or others", got.len())) }
}
