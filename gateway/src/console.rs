//! Sessions of pages: the access token goes to the page's memory, the refresh
//! token stays in a cookie that no script can read. `POST /console/session` signs
//! in, `POST /console/session/refresh` goes on, `DELETE /console/session` ends.
//!
//! The cookie alone must not be enough for another site: it is `SameSite=Strict`,
//! and every call needs an `Origin` that is this gateway's or in the list.

use std::convert::Infallible;
use std::net::IpAddr;

use bytes::Bytes;
use frontdesk_proto::identity::v1 as wire;
use frontdesk_proto::{ErrorReason, Refusal};
use http::header::{ALLOW, AUTHORIZATION, CACHE_CONTROL, COOKIE, ORIGIN, SET_COOKIE};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use prost::Message;
use serde_json::Value as Json;
use tonic::body::Body;
use transcode::Transcoder;

use crate::answer::failure::Failure;
use crate::answer::problem::json_response;
use crate::call::{Call, frame};
use crate::deadline::Deadline;
use crate::headers;
use crate::rest;
use crate::services::Upstreams;

/// Where sessions of pages are.
pub const PATH: &str = "/console/session";
const REFRESH: &str = "/console/session/refresh";
const COOKIE_NAME: &str = "frontdesk_session";
/// How long the cookie is kept, in seconds; identity decides how long it works.
const MAX_AGE: u32 = 7 * 24 * 3600;

/// Whether a path is one of these.
pub fn is_path(path: &str) -> bool {
    path == PATH || path == REFRESH
}

/// Answers a request whose origin was judged.
pub async fn call(
    transcoder: &Transcoder,
    upstreams: &Upstreams,
    request: Request<Body>,
    client: IpAddr,
) -> Result<Response<Body>, Failure> {
    let (head, body) = request.into_parts();
    let path = head.uri.path();
    let allow = if path == PATH { "DELETE, OPTIONS, POST" } else { "OPTIONS, POST" };
    if head.method == Method::OPTIONS {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NO_CONTENT;
        response.headers_mut().insert(ALLOW, HeaderValue::from_static(allow));
        return Ok(response);
    }
    let known = head.method == Method::POST || head.method == Method::DELETE && path == PATH;
    if !known {
        let refusal = Refusal::new(
            ErrorReason::MethodNotAllowed,
            format!("{} is not a method of {path}; it has {allow}.", head.method),
        );
        return Err(Failure::NotAllowed(refusal, HeaderValue::from_static(allow)));
    }
    let Some(origin) = head.headers.get(ORIGIN) else {
        return Err(Refusal::new(
            ErrorReason::OriginNotAllowed,
            "Sessions of pages are for browsers, which send Origin. Scripts sign in with POST /v1/auth/login.",
        )
        .into());
    };
    let service = Service { upstreams, metadata: headers::rest_in(&head.headers, client) };
    let secure = !origin.as_bytes().starts_with(b"http://");
    if path == REFRESH {
        let refresh = cookie(&head.headers)?;
        let answer = service.rpc("Refresh", &wire::RefreshRequest { refresh }).await;
        return answered(transcoder, "/v1/auth/refresh", answer, secure);
    }
    if head.method == Method::DELETE {
        // The page may have lost its access token: the cookie is worth a new one.
        let refresh = cookie(&head.headers)?;
        let refreshed = service.rpc("Refresh", &wire::RefreshRequest { refresh }).await;
        let mut response = match refreshed {
            Ok(answer) => service.end(&answer).await.map(|()| Response::new(Body::empty()))?,
            // A session that is over is what was asked for.
            Err(Failure::Status(status, _)) if status.code() == tonic::Code::Unauthenticated => {
                Response::new(Body::empty())
            }
            Err(error) => return Err(error),
        };
        *response.status_mut() = StatusCode::NO_CONTENT;
        response.headers_mut().insert(SET_COOKIE, set_cookie("", 0, secure)?);
        return Ok(response);
    }
    let found = transcoder.route(&Method::POST, "/v1/auth/login");
    let found = found.map_err(|_| Refusal::new(ErrorReason::Internal, "The API has no login."))?;
    let body = rest::read_body(body).await?;
    rest::check_content_type(&head.headers, &found)?;
    let mut login = Vec::with_capacity(body.len());
    found.request(None, &body, None, &mut login).map_err(rest::input_error)?;
    let answer = service.call("Login", &login).await;
    answered(transcoder, "/v1/auth/login", answer, secure)
}

/// Identity, for one request.
struct Service<'s> {
    upstreams: &'s Upstreams,
    metadata: HeaderMap,
}

impl Service<'_> {
    async fn rpc(&self, method: &str, request: &impl Message) -> Result<Bytes, Failure> {
        self.call(method, &request.encode_to_vec()).await
    }

    async fn call(&self, method: &str, message: &[u8]) -> Result<Bytes, Failure> {
        let path = format!("/frontdesk.identity.v1.AuthService/{method}");
        let Ok(frame) = frame(message.len(), |out| {
            out.extend_from_slice(message);
            Ok::<_, Infallible>(())
        });
        let call = Call { path: &path, frame, metadata: self.metadata.clone() };
        call.unary(self.upstreams, Deadline::default()).await.map(|(wire, _)| wire)
    }

    /// Ends the session of a token that was just given out.
    async fn end(mut self, refreshed: &[u8]) -> Result<(), Failure> {
        let tokens = wire::RefreshResponse::decode(refreshed).map_err(|_| unreadable())?;
        let bearer = HeaderValue::from_str(&format!("Bearer {}", tokens.access));
        self.metadata.insert(AUTHORIZATION, bearer.map_err(|_| unreadable())?);
        let request = wire::LogoutRequest { scope: wire::LogoutScope::Local.into() };
        self.rpc("Logout", &request).await.map(drop)
    }
}

/// The answer of a login or refresh, in the API's own JSON, with the refresh
/// token in a cookie instead.
fn answered(
    transcoder: &Transcoder,
    path: &str,
    answer: Result<Bytes, Failure>,
    secure: bool,
) -> Result<Response<Body>, Failure> {
    let answer = answer?;
    let found = transcoder.route(&Method::POST, path).map_err(|_| unreadable())?;
    let json = found.renderer().json(&answer).map_err(|_| unreadable())?;
    let mut json: Json = serde_json::from_slice(&json).map_err(|_| unreadable())?;
    let refresh = json.as_object_mut().and_then(|members| members.remove("refresh"));
    let refresh = refresh.as_ref().and_then(Json::as_str).ok_or_else(unreadable)?;
    let mut response = json_response(StatusCode::OK, "application/json", json.to_string().into_bytes());
    let headers = response.headers_mut();
    headers.insert(SET_COOKIE, set_cookie(refresh, MAX_AGE, secure)?);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

fn cookie(headers: &HeaderMap) -> Result<String, Refusal> {
    let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let pairs = cookies.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let found = pairs.into_iter().find(|(name, _)| *name == COOKIE_NAME);
    found.map(|(_, value)| value.to_owned()).filter(|value| !value.is_empty()).ok_or_else(|| {
        Refusal::new(ErrorReason::SignInRequired, "This browser has no session here. Sign in again.")
    })
}

/// A page on plain HTTP would not get a `Secure` cookie back to us.
fn set_cookie(value: &str, max_age: u32, secure: bool) -> Result<HeaderValue, Refusal> {
    let secure = if secure { "; Secure" } else { "" };
    let text =
        format!("{COOKIE_NAME}={value}; Path={PATH}; Max-Age={max_age}; HttpOnly; SameSite=Strict{secure}");
    HeaderValue::from_str(&text).map_err(|_| unreadable())
}

fn unreadable() -> Refusal {
    Refusal::new(
        ErrorReason::Internal,
        "The service's answer cannot be read. The request id finds it in the log.",
    )
}
