//! Sessions of pages: the access token goes to the page's memory, the refresh
//! token stays in a cookie that no script can read. `POST /console/session` signs
//! in, by a password or by what a browser gave of a passkey (`credential`),
//! `POST /console/session/refresh` goes on, `POST /console/session/proof` takes a proof
//! in the session of the access token (the password again, a second factor, a recovery code:
//! whichever request of the API the body is), and `DELETE /console/session` ends.
//!
//! The cookie alone must not be enough for another site: it is `SameSite=Strict`,
//! and every call needs an `Origin` that is this gateway's or in the list. Nor may another
//! site set it: over HTTPS its name has the prefix `__Host-`, which browsers take from this
//! host alone (RFC 6265bis, 4.1.3.2), and two of one name are none.

use std::net::IpAddr;

use frontdesk_proto::identity::v1 as wire;
use frontdesk_proto::{ErrorReason, Refusal};
use http::header::{AUTHORIZATION, CACHE_CONTROL, COOKIE, HOST, ORIGIN, SET_COOKIE};
use http::request::Parts;
use http::uri::Authority;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use prost::{Message, Name};
use tonic::body::Body;
use tonic::{Code, Status};
use transcode::{Messages, Transcoder};

use crate::answer::failure::{Failure, input_error, options, unreadable};
use crate::answer::problem::json_response;
use crate::call::body::{self, MAX_REST};
use crate::call::headers::{self, Client};
use crate::call::identity::Identity;
use crate::call::upstreams::Upstreams;

/// Where sessions of pages are.
pub const PATH: &str = "/console/session";
const REFRESH: &str = "/console/session/refresh";
const PROOF: &str = "/console/session/proof";
/// The name of the cookie for pages over HTTPS, and for those of plain HTTP, of which browsers
/// take no prefix.
const HOST_COOKIE: &str = "__Host-frontdesk_session";
const PLAIN_COOKIE: &str = "frontdesk_session";
/// How long the cookie is kept, in seconds; identity decides how long it works.
const MAX_AGE: u32 = 7 * 24 * 3600;

/// The paths.
pub const PATHS: [(Method, &str); 4] =
    [(Method::POST, PATH), (Method::DELETE, PATH), (Method::POST, REFRESH), (Method::POST, PROOF)];

/// Whether a path is one of these.
pub fn is_path(path: &str) -> bool {
    path == PATH || path == REFRESH || path == PROOF
}

/// Answers a request whose origin was judged.
pub async fn call(
    transcoder: &Transcoder,
    upstreams: &Upstreams,
    request: Request<Body>,
    client: &Client,
) -> Result<Response<Body>, Failure> {
    let (head, body) = request.into_parts();
    let path = head.uri.path();
    let allow =
        HeaderValue::from_static(if path == PATH { "DELETE, OPTIONS, POST" } else { "OPTIONS, POST" });
    match head.method {
        Method::OPTIONS => return Ok(options(allow)),
        Method::POST => {}
        Method::DELETE if path == PATH => {}
        ref other => return Err(Failure::not_allowed(other, path, allow)),
    }
    let Some(origin) = head.headers.get(ORIGIN) else {
        return Err(Refusal::new(
            ErrorReason::OriginNotAllowed,
            "Sessions of pages are for browsers, which send Origin. Scripts sign in with POST /v1/auth/login.",
        )
        .into());
    };
    // A page on plain HTTP would not get a `Secure` cookie back to us.
    let secure = !origin.as_bytes().starts_with(b"http://");
    let identity = Identity::new(upstreams, headers::rest_in(&head.headers, client));
    let messages = transcoder.messages();
    if path == REFRESH {
        let tokens = identity.refresh(cookie(&head, secure)?).await?;
        return signed_in(&messages, &tokens, &tokens.refresh, secure);
    }
    if head.method == Method::DELETE {
        return sign_out(identity, cookie(&head, secure)?, secure).await;
    }
    let is_proof = path == PROOF;
    let arrived = body::inflated(&head.headers, body, MAX_REST).await;
    let arrived = arrived.and_then(|body| body::check_json(&head.headers).map(|()| body));
    let body = arrived
        .map_err(|refusal| body::named(refusal.into(), &head.method, &head.headers, "application/json"))?;
    if is_proof {
        cookie(&head, secure)?;
        return proved(&messages, &identity, &body, secure).await;
    }
    if has(&body, "credential") {
        let tokens = identity.login_with_passkey(&read(&messages, &body)?).await?;
        signed_in(&messages, &tokens, &tokens.refresh, secure)
    } else {
        let tokens = identity.login(&read(&messages, &body)?).await?;
        signed_in(&messages, &tokens, &tokens.refresh, secure)
    }
}

/// Whether a request has a cookie of a session, however it would be judged.
pub fn has_cookie(headers: &HeaderMap) -> bool {
    pairs(headers).any(|(name, _)| name == HOST_COOKIE || name == PLAIN_COOKIE)
}

/// Whether a page that may send no `Origin`, since it only reads, is one of HTTPS. Of plain HTTP
/// there are some at this machine alone, for which browsers write as much as for those.
pub fn is_secure(head: &Parts) -> bool {
    if let Some(origin) = head.headers.get(ORIGIN) {
        return !origin.as_bytes().starts_with(b"http://");
    }
    pairs(&head.headers).any(|(name, _)| name == HOST_COOKIE)
        || !called(head).is_some_and(|called| is_loopback(called.host()))
}

/// The cookies that go with new tokens of a session: its own, and the end of that of the
/// version before.
pub fn set_cookies(refresh: &str, secure: bool) -> Result<[HeaderValue; 2], Refusal> {
    Ok([set_cookie(refresh, MAX_AGE, secure)?, HeaderValue::from_static(end_of_old_cookie(secure))])
}

/// Whether a body has a member, which says whose request it is.
fn has(body: &[u8], member: &str) -> bool {
    let members: serde_json::Map<String, serde_json::Value> =
        serde_json::from_slice(body).unwrap_or_default();
    members.contains_key(member)
}

/// A request of the API, in its own JSON.
fn read<M: Message + Name + Default>(messages: &Messages, body: &[u8]) -> Result<M, Refusal> {
    if body.is_empty() {
        return Ok(M::default());
    }
    let wire = messages.to_wire(&M::full_name(), body).ok_or_else(no_message)?;
    M::decode(&*wire.map_err(input_error)?).map_err(|_| no_message())
}

/// Takes a proof: its tokens are the session's next ones, so that the cookie of before is
/// not worth anything any more. Which proof it is the body's members say.
async fn proved(
    messages: &Messages,
    identity: &Identity<'_>,
    body: &[u8],
    secure: bool,
) -> Result<Response<Body>, Failure> {
    if has(body, "current_password") {
        let tokens = identity.reauthenticate(&read(messages, body)?).await?;
        signed_in(messages, &tokens, &tokens.refresh, secure)
    } else if has(body, "factor_id") {
        let tokens = identity.verify_factor(&read(messages, body)?).await?;
        signed_in(messages, &tokens, &tokens.refresh, secure)
    } else {
        let tokens = identity.use_recovery_code(&read(messages, body)?).await?;
        signed_in(messages, &tokens, &tokens.refresh, secure)
    }
}

/// The answer of a login or refresh, in the API's own JSON, with the refresh token
/// in a cookie instead.
fn signed_in<M: Message + Name>(
    messages: &Messages,
    tokens: &M,
    refresh: &str,
    secure: bool,
) -> Result<Response<Body>, Failure> {
    let json = messages.to_json_without("refresh", &M::full_name(), &tokens.encode_to_vec());
    let json = json.ok_or_else(no_message)?.map_err(|_| unreadable())?;
    let mut response = json_response(StatusCode::OK, "application/json", json);
    let headers = response.headers_mut();
    for cookie in set_cookies(refresh, secure)? {
        headers.append(SET_COOKIE, cookie);
    }
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// Ends the session of a cookie. The page may have lost its access token: the
/// cookie is exchanged for a new one, which identity then ends.
async fn sign_out(
    mut identity: Identity<'_>,
    refresh: String,
    secure: bool,
) -> Result<Response<Body>, Failure> {
    match identity.refresh(refresh).await {
        Ok(tokens) => {
            let bearer = HeaderValue::from_str(&format!("Bearer {}", tokens.access));
            identity.metadata.insert(AUTHORIZATION, bearer.map_err(|_| unreadable())?);
            let request = wire::LogoutRequest { scope: wire::LogoutScope::Local.into() };
            identity.logout(&request).await?;
        }
        // A session that is over is what was asked for. One whose cookie was just replaced is not.
        Err(Failure::Status(status, _)) if status.code() == Code::Unauthenticated && !is_open(&status) => {}
        Err(failure) => return Err(failure),
    }
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.append(SET_COOKIE, set_cookie("", 0, secure)?);
    headers.append(SET_COOKIE, HeaderValue::from_static(end_of_old_cookie(secure)));
    Ok(response)
}

/// Whether a refresh was refused in a session that goes on.
fn is_open(refused: &Status) -> bool {
    let refusal = Refusal::from_status(refused);
    refusal.is_some_and(|refusal| refusal.metadata().any(|said| said == ("session", "open")))
}

/// Takes away the cookie of the version before, which was for this path alone: it has a refresh
/// token in it, and beside the new one of its name neither would count.
fn end_of_old_cookie(secure: bool) -> &'static str {
    if secure {
        "frontdesk_session=; Path=/console/session; Max-Age=0; HttpOnly; SameSite=Strict; Secure"
    } else {
        "frontdesk_session=; Path=/console/session; Max-Age=0; HttpOnly; SameSite=Strict"
    }
}

/// The one cookie of a browser's session. Of two, one is somebody else's, and which one is
/// not known.
pub fn cookie(head: &Parts, secure: bool) -> Result<String, Refusal> {
    let wanted = if secure { HOST_COOKIE } else { PLAIN_COOKIE };
    let mut found =
        pairs(&head.headers).filter(|(name, _)| *name == wanted).map(|(_, value)| value.to_owned());
    let (first, second) = (found.next(), found.next());
    if second.is_some() {
        return Err(Refusal::new(
            ErrorReason::SignInRequired,
            format!(
                "This browser sends two cookies {wanted}, of which one is not of this gateway; neither counts. Delete the cookies of this site, and sign in again."
            ),
        ));
    }
    first.filter(|value| !value.is_empty()).ok_or_else(|| {
        let sentence =
            apart(head).unwrap_or_else(|| "This browser has no session here. Sign in again.".to_owned());
        Refusal::new(ErrorReason::SignInRequired, sentence)
    })
}

fn pairs(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    cookies.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='))
}

/// The host that a request calls.
fn called(head: &Parts) -> Option<Authority> {
    let of_header = || head.headers.get(HOST).and_then(|host| host.to_str().ok()?.parse().ok());
    head.uri.authority().cloned().or_else(of_header)
}

/// What keeps a browser from sending the cookie in development: to it `localhost` and
/// `127.0.0.1` are two sites.
fn apart(head: &Parts) -> Option<String> {
    let called = called(head)?;
    let page: Authority = head.headers.get(ORIGIN)?.to_str().ok()?.split_once("://")?.1.parse().ok()?;
    let (here, there) = (called.host(), page.host());
    if here == there || !is_loopback(here) || !is_loopback(there) {
        return None;
    }
    let port = called.port_u16().map(|port| format!(":{port}")).unwrap_or_default();
    Some(format!(
        "This browser has no session here, or keeps its cookie back: the page is at {there} and calls {here}, which are two sites to a browser. Have the page call http://{there}{port}."
    ))
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare == "localhost"
        || bare.ends_with(".localhost")
        || bare.parse::<IpAddr>().is_ok_and(|addr| addr.is_loopback())
}

fn set_cookie(value: &str, max_age: u32, secure: bool) -> Result<HeaderValue, Refusal> {
    // Which path of a proxy leads here, nobody says: the cookie is for all paths of the host.
    let (name, secure) = if secure { (HOST_COOKIE, "; Secure") } else { (PLAIN_COOKIE, "") };
    let text = format!("{name}={value}; Path=/; Max-Age={max_age}; HttpOnly; SameSite=Strict{secure}");
    HeaderValue::from_str(&text).map_err(|_| unreadable())
}

fn no_message() -> Refusal {
    Refusal::new(ErrorReason::Internal, "This gateway does not know the messages of a session.")
}
