//! The surface that clients of hosted Supabase auth speak (GoTrue behind Kong),
//! with its own JSON types. It calls identity like every other route and never
//! looks into a token; wire and status table: supabase/auth, `internal/api`.

mod account;
mod answer;
mod factors;
mod qr;
mod recovery;
mod request;
mod settings;

use aws_lc_rs::constant_time;
use frontdesk_proto::identity::v1 as wire;
use frontdesk_proto::{ErrorReason, Refusal};
use http::header::{ALLOW, CACHE_CONTROL, WWW_AUTHENTICATE};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use serde_json::{Value as Json, json};
use tonic::body::Body;

use self::answer::{Refused, json_body, session_json, user_json};
use self::request::{json, query_value, signed_in, stranger};
use crate::answer::access_log::By;
use crate::answer::failure::Failure;
use crate::call::headers::{self, Client};
use crate::call::identity::Identity;
use crate::call::upstreams::Upstreams;

pub use self::answer::API_VERSION;

/// Where the surface is.
pub const PREFIX: &str = "/auth/v1/";
/// The paths.
pub const PATHS: [(Method, &str); 13] = [
    (Method::POST, "/auth/v1/token"),
    (Method::POST, "/auth/v1/recover"),
    (Method::POST, "/auth/v1/verify"),
    (Method::GET, "/auth/v1/user"),
    (Method::PUT, "/auth/v1/user"),
    (Method::POST, "/auth/v1/factors"),
    (Method::POST, "/auth/v1/factors/{id}/challenge"),
    (Method::POST, "/auth/v1/factors/{id}/verify"),
    (Method::DELETE, "/auth/v1/factors/{id}"),
    (Method::POST, "/auth/v1/logout"),
    (Method::GET, "/auth/v1/health"),
    (Method::GET, "/auth/v1/settings"),
    (Method::GET, "/auth/v1/.well-known/jwks.json"),
];

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
        Err(refused) => {
            let mut response = refused.response(version.as_ref());
            if response.status() == StatusCode::METHOD_NOT_ALLOWED {
                response.headers_mut().insert(ALLOW, allow(&path));
            }
            response
        }
    }
}

/// The methods of a path below [`PREFIX`].
fn allow(path: &str) -> HeaderValue {
    let is_one = |of: &str| {
        let mut steps = path.split('/');
        let fits = |part: &str| steps.next().is_some_and(|step| part == step || part.starts_with('{'));
        of.strip_prefix(PREFIX).is_some_and(|of| of.split('/').all(fits)) && steps.next().is_none()
    };
    let methods: Vec<&str> =
        PATHS.iter().filter(|(_, of)| is_one(of)).map(|(method, _)| method.as_str()).collect();
    HeaderValue::from_str(&methods.join(", ")).unwrap_or_else(|_| HeaderValue::from_static(""))
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
        ("settings", Method::GET) => Ok(settings::answer()),
        (".well-known/jwks.json", Method::GET) => jwks(upstreams, client).await,
        ("token", Method::POST) => token(upstreams, request, client).await,
        ("recover", Method::POST) => recovery::ask(upstreams, request, client).await,
        ("verify", Method::POST) => recovery::verify(upstreams, request, client).await,
        ("user", Method::GET) => user(upstreams, request.headers(), client).await,
        ("user", Method::PUT) => account::update(upstreams, request, client).await,
        ("logout", Method::POST) => logout(upstreams, &request.into_parts().0, client).await,
        (path, _) if path == "factors" || path.starts_with("factors/") => {
            factors::call(upstreams, path, request, client).await
        }
        (
            "health"
            | "settings"
            | ".well-known/jwks.json"
            | "token"
            | "recover"
            | "verify"
            | "user"
            | "logout",
            _,
        ) => {
            Err(Refused::new(StatusCode::METHOD_NOT_ALLOWED, "bad_request", "The path takes another method"))
        }
        ("reauthenticate", Method::GET) => Err(Refused::new(
            StatusCode::NOT_FOUND,
            "not_found",
            "No codes are sent by mail here. Send current_password beside password to PUT /auth/v1/user",
        )),
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
    let identity = Identity::new(upstreams, stranger(request.headers(), client));
    let body = json(request).await?;
    let text = |name: &str| body.get(name).and_then(Json::as_str).unwrap_or_default().to_owned();
    match grant.as_deref() {
        Some("password") => {
            let (email, password) = (text("email"), text("password"));
            if email.is_empty() {
                return Err(Refused::bad_request("validation_failed", "missing email or phone"));
            }
            let wire::LoginResponse { access, refresh, token_type: _, expires_in, user, factors } =
                identity.login(&wire::LoginRequest { email, password }).await?;
            let user = user.map(|user| user_json(user, &factors));
            Ok(json_body(StatusCode::OK, &session_json(&access, &refresh, expires_in, user)))
        }
        Some("refresh_token") => {
            let wire::RefreshResponse { access, refresh, token_type: _, expires_in, user, factors } =
                identity.refresh(text("refresh_token")).await?;
            let user = user.map(|user| user_json(user, &factors));
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
    let factors = answer.factors;
    Ok(json_body(StatusCode::OK, &answer.user.map(|user| user_json(user, &factors)).unwrap_or_default()))
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
    let identity = Identity::new(upstreams, metadata);
    let ended = identity.logout(&wire::LogoutRequest { scope: scope.into() }).await.map_err(Refused::from);
    let lacks_proof = ended.as_ref().is_err_and(|refused| refused.is_for(ErrorReason::StepUpRequired));
    if lacks_proof && scope == wire::LogoutScope::Global {
        // Clients forget their own session whatever the answer is, so that one ends at least.
        identity.logout(&wire::LogoutRequest { scope: wire::LogoutScope::Local.into() }).await?;
    }
    ended?;
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    Ok(response)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_its_methods() {
        for (path, methods) in [
            ("user", "GET, PUT"),
            ("factors", "POST"),
            ("factors/7", "DELETE"),
            ("factors/7/verify", "POST"),
            (".well-known/jwks.json", "GET"),
            ("factors/7/verify/8", ""),
        ] {
            assert_eq!(allow(path), methods, "{path}");
        }
    }
}
