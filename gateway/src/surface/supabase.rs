//! The surface that clients of hosted Supabase auth speak (GoTrue behind Kong),
//! with its own JSON types. It calls identity like every other route and never
//! looks into a token; wire and status table: supabase/auth, `internal/api`.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::constant_time;
use frontdesk_proto::identity::v1 as wire;
use frontdesk_proto::{ErrorReason, Refusal, reason_of};
use http::header::{AUTHORIZATION, CACHE_CONTROL, RETRY_AFTER, WWW_AUTHENTICATE};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri};
use serde_json::{Value as Json, json};
use tonic::body::Body;
use tonic::{Code, Status};

use crate::answer::access_log::{By, ReasonName};
use crate::answer::failure::Failure;
use crate::answer::problem::{self, json_response};
use crate::call::body::{self, MAX_REST};
use crate::call::headers::{self, Client};
use crate::call::identity::Identity;
use crate::call::upstreams::Upstreams;

/// Where the surface is.
pub const PREFIX: &str = "/auth/v1/";
/// The paths.
pub const PATHS: [(Method, &str); 5] = [
    (Method::POST, "/auth/v1/token"),
    (Method::GET, "/auth/v1/user"),
    (Method::POST, "/auth/v1/logout"),
    (Method::GET, "/auth/v1/health"),
    (Method::GET, "/auth/v1/.well-known/jwks.json"),
];
/// The header by which clients choose the form of errors.
pub const API_VERSION: &str = "x-supabase-api-version";
/// The version since which errors have `code` and `message`.
const CODES: &str = "2024-01-01";

/// An answer other than success, in GoTrue's words.
struct Refused {
    status: StatusCode,
    code: &'static str,
    message: String,
    retry_after: Option<HeaderValue>,
    /// What GoTrue has no word for: our reason, if it has one. The log and the figures name it.
    reason: Option<ReasonName>,
    /// Whose it is: who is refused for want of room by a service is throttled.
    by: By,
}

/// Answers a request below [`PREFIX`].
pub async fn call(
    upstreams: &Upstreams,
    anon_key: Option<&str>,
    request: Request<Body>,
    client: &Client,
) -> Response<Body> {
    let version = request.headers().get(API_VERSION).cloned();
    let path = request.uri().path().strip_prefix(PREFIX).unwrap_or_default().to_owned();
    // Kong leaves this path open, so that verifiers need no key.
    if path != ".well-known/jwks.json"
        && let Err(message) = check_key(anon_key, &request)
    {
        let mut response = json_body(StatusCode::UNAUTHORIZED, &json!({"message": message}));
        response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Key realm=\"kong\""));
        response.extensions_mut().insert(By::Gateway);
        return response;
    }
    match answer(upstreams, &path, request, client).await {
        Ok(response) => response,
        Err(refused) => refused.response(version.as_ref()),
    }
}

/// The answer to a request that is refused before it is read.
pub fn refused(refusal: Refusal, headers: &HeaderMap) -> Response<Body> {
    Refused::from(Failure::from(refusal)).response(headers.get(API_VERSION))
}

async fn answer(
    upstreams: &Upstreams,
    path: &str,
    request: Request<Body>,
    client: &Client,
) -> Result<Response<Body>, Refused> {
    let method = request.method().clone();
    match (path, method) {
        ("health", Method::GET) => Ok(health()),
        (".well-known/jwks.json", Method::GET) => jwks(upstreams, client).await,
        ("token", Method::POST) => token(upstreams, request, client).await,
        ("user", Method::GET) => user(upstreams, request.headers(), client).await,
        ("logout", Method::POST) => logout(upstreams, &request.into_parts().0, client).await,
        ("health" | ".well-known/jwks.json" | "token" | "user" | "logout", _) => {
            Err(Refused::new(StatusCode::METHOD_NOT_ALLOWED, "bad_request", "The path takes another method"))
        }
        _ => Err(Refused::new(
            StatusCode::NOT_FOUND,
            "not_found",
            "This server does not have this part of the auth API",
        )),
    }
}

fn health() -> Response<Body> {
    let health = json!({"name": "Frontdesk", "version": env!("CARGO_PKG_VERSION"), "description": "GoTrue compatible"});
    let mut response = json_body(StatusCode::OK, &health);
    response.extensions_mut().insert(By::Gateway);
    response
}

async fn jwks(upstreams: &Upstreams, client: &Client) -> Result<Response<Body>, Refused> {
    let identity = Identity::new(upstreams, headers::rest_in(&HeaderMap::new(), client));
    let keys: Vec<Json> = identity
        .jwks()
        .await?
        .keys
        .iter()
        .map(|key| {
            json!({
                "kty": key.kty, "crv": key.crv, "x": key.x, "y": key.y, "kid": key.kid,
                "use": key.r#use, "alg": key.alg, "key_ops": key.key_ops, "ext": true,
            })
        })
        .collect();
    let mut response = json_body(StatusCode::OK, &json!({"keys": keys}));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"));
    Ok(response)
}

async fn token(
    upstreams: &Upstreams,
    request: Request<Body>,
    client: &Client,
) -> Result<Response<Body>, Refused> {
    let grant = query_value(request.uri(), "grant_type");
    // Before a login, clients send the publishable key as bearer; it means nothing here.
    let mut metadata = headers::rest_in(request.headers(), client);
    for ours in [AUTHORIZATION.as_str(), "x-tenant-id", "x-tenant-api-key"] {
        metadata.remove(ours);
    }
    let identity = Identity::new(upstreams, metadata);
    let body = body::read(request.into_body(), MAX_REST).await.map_err(Failure::from)?;
    let body: Json = serde_json::from_slice(&body).map_err(|error| {
        Refused::bad_request("bad_json", format!("Could not parse request body as JSON: {error}"))
    })?;
    let text = |name: &str| body.get(name).and_then(Json::as_str).unwrap_or_default().to_owned();
    match grant.as_deref() {
        Some("password") => {
            let (email, password) = (text("email"), text("password"));
            if email.is_empty() {
                return Err(Refused::bad_request("validation_failed", "missing email or phone"));
            }
            let wire::LoginResponse { access, refresh, token_type: _, expires_in, user } =
                identity.login(&wire::LoginRequest { email, password }).await?;
            Ok(json_body(StatusCode::OK, &session_json(&access, &refresh, expires_in, user)))
        }
        Some("refresh_token") => {
            let wire::RefreshResponse { access, refresh, token_type: _, expires_in, user } =
                identity.refresh(text("refresh_token")).await?;
            Ok(json_body(StatusCode::OK, &session_json(&access, &refresh, expires_in, user)))
        }
        _ => Err(Refused::bad_request("invalid_credentials", "unsupported_grant_type")),
    }
}

async fn user(
    upstreams: &Upstreams,
    request: &HeaderMap,
    client: &Client,
) -> Result<Response<Body>, Refused> {
    let answer = Identity::new(upstreams, signed_in(request, client)?).me().await?;
    Ok(json_body(StatusCode::OK, &answer.user.map(user_json).unwrap_or_default()))
}

async fn logout(upstreams: &Upstreams, head: &Parts, client: &Client) -> Result<Response<Body>, Refused> {
    let metadata = signed_in(&head.headers, client)?;
    // Without a scope GoTrue ends every session of the user.
    let scope = match query_value(&head.uri, "scope").as_deref() {
        None | Some("global") => wire::LogoutScope::Global,
        Some("local") => wire::LogoutScope::Local,
        Some("others") => wire::LogoutScope::Others,
        Some(_) => return Err(Refused::bad_request("validation_failed", "Unsupported logout scope")),
    };
    Identity::new(upstreams, metadata).logout(&wire::LogoutRequest { scope: scope.into() }).await?;
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    Ok(response)
}

/// The metadata of a call for the user of a token, in whatever tenant: who the
/// user is does not depend on it.
fn signed_in(request: &HeaderMap, client: &Client) -> Result<HeaderMap, Refused> {
    let mut metadata = headers::rest_in(request, client);
    check_bearer(&metadata)?;
    metadata.remove("x-tenant-id");
    metadata.remove("x-tenant-api-key");
    Ok(metadata)
}

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Self {
        let by = failure.by();
        let status = match failure {
            Failure::Status(status, _) => status,
            Failure::Refused(refusal) | Failure::NotAllowed(refusal, _) => refusal.into(),
        };
        let refusal = Refusal::from_status(&status);
        let reason = refusal.as_ref().map(|refusal| ReasonName(refusal.name().to_owned()));
        let refused = Self::of_status(&status);
        // As long as over REST, which knows it to the second.
        let retry_after = refusal.and_then(|refusal| refusal.retry_delay()).map(problem::seconds);
        Self { reason, by, retry_after: retry_after.or(refused.retry_after), ..refused }
    }
}

impl Refused {
    fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        let again = matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
        let retry_after = again.then(|| HeaderValue::from_static("1"));
        Self { status, code, message: message.into(), retry_after, reason: None, by: By::Gateway }
    }

    fn bad_request(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    /// What GoTrue answers in the same case, as the reason's options say it.
    /// Overload must be 5xx: a client takes a 4xx on refresh for the end of the
    /// session.
    fn of_status(status: &Status) -> Self {
        if let Some(answer) = reason_of(status).and_then(ErrorReason::auth_answer) {
            let message = if answer.message.is_empty() { status.message() } else { answer.message.as_str() };
            let http_status = u16::try_from(answer.http_status).unwrap_or_default();
            let http_status = StatusCode::from_u16(http_status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            return Self::new(http_status, &answer.code, message);
        }
        match status.code() {
            Code::Unavailable | Code::DeadlineExceeded => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "request_timeout",
                "The service is busy or cannot be reached; try again",
            ),
            _ => Self::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "unexpected_failure",
                "Unexpected failure, please check server logs for more information",
            ),
        }
    }

    /// Both forms carry `error_code`, so that clients which cannot read the
    /// version header still find it.
    fn response(self, version: Option<&HeaderValue>) -> Response<Body> {
        let new = version.and_then(|version| version.to_str().ok()).is_some_and(|version| version >= CODES);
        let body = if new {
            json!({"code": self.code, "error_code": self.code, "message": self.message})
        } else {
            json!({"code": self.status.as_u16(), "error_code": self.code, "msg": self.message})
        };
        let mut response = json_body(self.status, &body);
        let headers = response.headers_mut();
        headers.insert("x-sb-error-code", HeaderValue::from_static(self.code));
        if new {
            headers.insert(API_VERSION, HeaderValue::from_static(CODES));
        }
        if let Some(retry_after) = self.retry_after {
            headers.insert(RETRY_AFTER, retry_after);
        }
        response.extensions_mut().insert(self.by);
        if let Some(reason) = self.reason {
            response.extensions_mut().insert(reason);
        }
        response
    }
}

/// Kong's key-auth plugin: the key in a header or the query, once.
fn check_key(anon_key: Option<&str>, request: &Request<Body>) -> Result<(), &'static str> {
    let mut sent: Vec<String> = request
        .headers()
        .get_all("apikey")
        .iter()
        .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
        .collect();
    sent.extend(query_value(request.uri(), "apikey"));
    match (sent.as_slice(), anon_key) {
        ([], _) => Err("No API key found in request"),
        ([key], Some(anon_key)) => {
            constant_time::verify_slices_are_equal(key.as_bytes(), anon_key.as_bytes())
                .map_err(|_| "Invalid authentication credentials")
        }
        ([_], None) => Err("Invalid authentication credentials"),
        _ => Err("Duplicate API key found"),
    }
}

fn check_bearer(metadata: &HeaderMap) -> Result<(), Refused> {
    let bearer = metadata.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let is_jwt = bearer.and_then(|value| value.split_once(' ')).is_some_and(|(scheme, token)| {
        scheme.eq_ignore_ascii_case("bearer") && token.split('.').count() == 3
    });
    if is_jwt {
        return Ok(());
    }
    Err(Refused::new(
        StatusCode::UNAUTHORIZED,
        "no_authorization",
        "This endpoint requires a valid Bearer token",
    ))
}

/// A parameter whose value needs no decoding.
fn query_value(uri: &Uri, name: &str) -> Option<String> {
    let pairs = uri.query()?.split('&').filter_map(|pair| pair.split_once('='));
    pairs.into_iter().find(|(key, _)| *key == name).map(|(_, value)| value.to_owned())
}

/// A session as GoTrue shows it.
fn session_json(access: &str, refresh: &str, expires_in: i32, user: Option<wire::User>) -> Json {
    let lifetime = Duration::from_secs(u64::try_from(expires_in).unwrap_or(0));
    let expires_at = (SystemTime::now() + lifetime).duration_since(UNIX_EPOCH).unwrap_or_default();
    json!({
        "access_token": access,
        "token_type": "bearer",
        "expires_in": expires_in,
        "expires_at": expires_at.as_secs(),
        "refresh_token": refresh,
        "user": user.map(user_json),
    })
}

/// The user as GoTrue shows it; clients count on every one of these members.
fn user_json(user: wire::User) -> Json {
    let created_at = user.created_at.map(|at| at.to_string()).unwrap_or_default();
    json!({
        "id": user.id,
        "aud": "authenticated",
        "role": "authenticated",
        "email": user.email,
        "email_confirmed_at": created_at,
        "phone": "",
        "confirmed_at": created_at,
        "app_metadata": {"provider": "email", "providers": ["email"]},
        "user_metadata": {"display_name": user.display_name},
        "identities": [],
        "created_at": created_at,
        "updated_at": created_at,
        "is_anonymous": false,
    })
}

/// Tokens are in it, or who somebody is: nothing keeps it, unless that is said afterwards.
fn json_body(status: StatusCode, body: &Json) -> Response<Body> {
    let mut response = json_response(status, "application/json", body.to_string().into_bytes());
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
