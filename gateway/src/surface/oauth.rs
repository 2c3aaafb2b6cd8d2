//! The token endpoint of OAuth 2.0: a form in, JSON out, refusals in the words of RFC 6749
//! section 5.2. It calls identity like every other route and never looks into a token.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use boot::Runbook;
use frontdesk_proto::identity::v1 as wire;
use frontdesk_proto::{ErrorReason, Refusal};
use http::header::{
    ALLOW, AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, PRAGMA, RETRY_AFTER, WWW_AUTHENTICATE,
};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use serde_json::{Map, Value as Json, json};
use tonic::body::Body;

use crate::answer::access_log::ReasonName;
use crate::answer::failure::{Failure, options};
use crate::answer::problem::json_response;
use crate::call::body;
use crate::call::headers::{self, Client};
use crate::call::identity::Identity;
use crate::call::upstreams::Upstreams;

/// Where it is.
const PATH: &str = "/oauth/token";
/// The path.
pub const PATHS: [(Method, &str); 1] = [(Method::POST, PATH)];
/// Most bytes of a form.
const MAX_FORM: usize = 16 * 1024;

/// A form.
#[derive(Debug, Default)]
struct Form {
    /// Parameters that are sent once.
    once: HashMap<String, String>,
    /// Those by which a client says for whom a token is to be, as often as it likes (RFC 8693
    /// section 2.1).
    audience: Vec<String>,
    resource: Vec<String>,
}

/// Whether a path is this one.
pub fn is_path(path: &str) -> bool {
    path == PATH
}

/// Answers a request for a token.
pub async fn call(
    upstreams: &Upstreams,
    runbook: &Runbook,
    request: Request<Body>,
    client: &Client,
) -> Response<Body> {
    match *request.method() {
        Method::POST => {}
        Method::OPTIONS => return options(HeaderValue::from_static("POST, OPTIONS")),
        _ => {
            let refusal = Refusal::new(ErrorReason::MethodNotAllowed, "Tokens are asked for by POST.");
            let mut response = refused(&refusal.into(), runbook);
            response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST, OPTIONS"));
            return response;
        }
    }
    answer(upstreams, request, client).await.unwrap_or_else(|failure| refused(&failure, runbook))
}

async fn answer(
    upstreams: &Upstreams,
    request: Request<Body>,
    client: &Client,
) -> Result<Response<Body>, Failure> {
    let (head, body) = request.into_parts();
    let Form { mut once, audience, resource } = read_form(&head.headers, body).await?;
    let (client_id, client_secret) = client_of(&head.headers, &mut once)?;
    let mut take = |name: &str| once.remove(name).unwrap_or_default();
    let grant_type = take("grant_type");
    if grant_type.is_empty() {
        return Err(invalid("`grant_type` is missing").into());
    }
    let asked = wire::IssueTokenRequest {
        grant_type,
        client_id,
        client_secret,
        client_assertion_type: take("client_assertion_type"),
        client_assertion: take("client_assertion"),
        scope: take("scope"),
        subject_token: take("subject_token"),
        subject_token_type: take("subject_token_type"),
        requested_token_type: take("requested_token_type"),
        audience,
        resource,
    };
    // Whoever sends one relies on it, and who acts is the client itself.
    if !take("actor_token").is_empty() {
        return Err(invalid("`actor_token` is not served; the client itself is who acts").into());
    }
    let mut metadata = headers::rest_in(&head.headers, client);
    for ours in [AUTHORIZATION.as_str(), "x-tenant-id", "x-tenant-api-key"] {
        metadata.remove(ours);
    }
    let issued = Identity::new(upstreams, metadata).issue_token(&asked).await?;
    let wire::IssueTokenResponse { access_token, token_type, expires_in, scope, issued_token_type } = issued;
    let mut body = json!({
        "access_token": access_token,
        "token_type": token_type,
        "expires_in": expires_in,
        "scope": scope,
    });
    if !issued_token_type.is_empty() {
        body["issued_token_type"] = issued_token_type.into();
    }
    Ok(unstored(StatusCode::OK, &body))
}

/// Id and secret, from the header (RFC 6749 section 2.3.1) or from the form, and not from both.
fn client_of(headers: &HeaderMap, form: &mut HashMap<String, String>) -> Result<(String, String), Refusal> {
    let mut sent = headers.get_all(AUTHORIZATION).iter();
    let in_form = form.remove("client_id").unwrap_or_default();
    let secret = form.remove("client_secret").unwrap_or_default();
    let Some(header) = sent.next() else { return Ok((in_form, secret)) };
    if sent.next().is_some() || !secret.is_empty() || form.contains_key("client_assertion") {
        return Err(invalid("a client proves in one way who it is, and two were sent"));
    }
    let (id, secret) = basic(header).ok_or_else(|| {
        invalid("the header Authorization is not `Basic` with the client's id and secret, each as in a form")
    })?;
    if !in_form.is_empty() && in_form != id {
        return Err(invalid("`client_id` is another one than in the header Authorization"));
    }
    Ok((id, secret))
}

fn basic(header: &HeaderValue) -> Option<(String, String)> {
    let (scheme, code) = header.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("basic").then_some(())?;
    let text = String::from_utf8(STANDARD.decode(code.trim()).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    Some((decoded(id)?, decoded(secret)?))
}

async fn read_form(headers: &HeaderMap, body: Body) -> Result<Form, Failure> {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media = content_type.split(';').next().unwrap_or_default().trim();
    if !media.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Err(invalid("the body is a form: application/x-www-form-urlencoded").into());
    }
    let body = body::inflated(headers, body, MAX_FORM).await?;
    let text = std::str::from_utf8(&body).map_err(|_| invalid("the form is not UTF-8"))?;
    Ok(parse(text)?)
}

/// RFC 6749 section 3.2: a parameter without a value counts as none, and none is sent twice but
/// those that say for whom a token is to be.
fn parse(text: &str) -> Result<Form, Refusal> {
    let mut form = Form::default();
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let read = decoded(name).zip(decoded(value));
        let (name, value) = read.ok_or_else(|| invalid("the form is not encoded as forms are"))?;
        match name.as_str() {
            "audience" => form.audience.push(value),
            "resource" => form.resource.push(value),
            _ if form.once.contains_key(&name) => return Err(invalid("a parameter was sent twice")),
            _ => drop(form.once.insert(name, value)),
        }
    }
    Ok(form)
}

/// A name or value of a form; nothing if it is not one.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits = [rest.next()?, rest.next()?];
                digits.iter().all(u8::is_ascii_hexdigit).then_some(())?;
                u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok()
}

fn invalid(problem: &str) -> Refusal {
    Refusal::new(ErrorReason::MalformedRequest, format!("The request cannot be read: {problem}."))
}

/// The answer to a request that is refused, whoever refuses it.
pub fn refused(failure: &Failure, runbook: &Runbook) -> Response<Body> {
    let refusal = match failure {
        Failure::Refused(refusal) | Failure::NotAllowed(refusal, _) | Failure::OfHttp(refusal, _) => {
            Some(refusal.clone())
        }
        Failure::Status(status, _) => Refusal::from_status(status),
    };
    let refusal = refusal.unwrap_or_else(|| {
        Refusal::new(
            ErrorReason::Internal,
            "The service did not say why. The request id finds it in the log.",
        )
    });
    let reason = refusal.reason();
    let status = match StatusCode::from_u16(reason.wire().http_status) {
        // RFC 6749 section 5.2 has 400 for whatever is not about who the client is.
        Ok(StatusCode::FORBIDDEN) => StatusCode::BAD_REQUEST,
        Ok(status) => status,
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR,
    };
    let mut body = Map::new();
    body.insert("error".to_owned(), reason.oauth_error().into());
    body.insert("error_description".to_owned(), described(refusal.message()).into());
    if reason != ErrorReason::Unspecified {
        body.insert("error_uri".to_owned(), runbook.page(reason).into());
    }
    let mut response = unstored(status, &Json::Object(body));
    response.extensions_mut().insert(failure.by());
    response.extensions_mut().insert(ReasonName(refusal.name().to_owned()));
    let headers = response.headers_mut();
    // RFC 9110 section 15.5.2, however the client has said who it is.
    if status == StatusCode::UNAUTHORIZED {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"frontdesk\""));
    }
    if let Some(delay) = refusal.retry_delay() {
        headers.insert(RETRY_AFTER, HeaderValue::from(delay.as_secs().max(1)));
    }
    response
}

/// The characters that a description may have (RFC 6749 section 5.2).
fn described(sentence: &str) -> String {
    let allowed = |letter: char| match letter {
        '"' | '`' | '\\' => '\'',
        ' '..='~' => letter,
        _ => '?',
    };
    sentence.chars().map(allowed).collect()
}

/// An answer that nobody keeps (RFC 6749 section 5.1).
fn unstored(status: StatusCode, body: &Json) -> Response<Body> {
    let mut response = json_response(status, "application/json", body.to_string().into_bytes());
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response.headers_mut().insert(PRAGMA, HeaderValue::from_static("no-cache"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_read_as_forms_are_written_each_parameter_once() {
        let form = parse("grant_type=client_credentials&scope=a%3Ab+c&empty=&&x").unwrap();
        let once = |name: &str| form.once[name].as_str();
        assert_eq!((once("grant_type"), once("scope")), ("client_credentials", "a:b c"));
        assert_eq!((once("empty"), once("x")), ("", ""));
        let targets = parse("resource=a&audience=c&resource=b").unwrap();
        assert_eq!(
            (targets.resource, targets.audience),
            (vec!["a".into(), "b".into()], vec!["c".to_owned()])
        );
        for bad in ["a=1&a=2", "a=1&%61=2", "a=%", "a=%4", "a=%zz", "a=%+1", "a=%ff"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_client_says_who_it_is_in_the_header_or_in_the_form() {
        let read = |header: Option<&str>, form: &str| {
            let mut headers = HeaderMap::new();
            if let Some(header) = header {
                headers.insert(AUTHORIZATION, HeaderValue::from_str(header).unwrap());
            }
            client_of(&headers, &mut parse(form).unwrap().once).ok()
        };
        let pair = |id: &str, secret: &str| Some((id.to_owned(), secret.to_owned()));
        let basic = format!("basic {}", STANDARD.encode("a%3Ab:c%2Bd"));
        assert_eq!(read(None, "client_id=a&client_secret=b"), pair("a", "b"));
        assert_eq!(read(Some(&basic), ""), pair("a:b", "c+d"));
        assert_eq!(read(Some(&basic), "client_id=a%3Ab"), pair("a:b", "c+d"));
        for (header, form) in [
            (&*basic, "client_secret=b"),
            (&*basic, "client_assertion=x"),
            (&*basic, "client_id=other"),
            ("Bearer x", ""),
            ("Basic !", ""),
            ("Basic YQ==", ""),
        ] {
            assert_eq!(read(Some(header), form), None, "{header} {form}");
        }
    }
}
