//! What clients of hosted Supabase auth send.

use http::header::AUTHORIZATION;
use http::{HeaderMap, Request, StatusCode, Uri};
use serde_json::Value as Json;
use tonic::body::Body;

use super::answer::Refused;
use crate::answer::failure::Failure;
use crate::call::body::{self, MAX_REST};
use crate::call::headers::{self, Client};

/// The metadata of a call for the user of a token, in whatever tenant: who the
/// user is does not depend on it.
pub fn signed_in(request: &HeaderMap, client: &Client) -> Result<HeaderMap, Refused> {
    let mut metadata = headers::rest_in(request, client);
    check_bearer(&metadata)?;
    metadata.remove("x-tenant-id");
    metadata.remove("x-tenant-api-key");
    Ok(metadata)
}

/// The metadata of a call for somebody who has not signed in. Clients send the publishable
/// key as bearer then; it means nothing here.
pub fn stranger(request: &HeaderMap, client: &Client) -> HeaderMap {
    let mut metadata = headers::rest_in(request, client);
    for ours in [AUTHORIZATION.as_str(), "x-tenant-id", "x-tenant-api-key"] {
        metadata.remove(ours);
    }
    metadata
}

/// The body of a request.
pub async fn json(request: Request<Body>) -> Result<Json, Refused> {
    let (head, body) = request.into_parts();
    let body = body::inflated(&head.headers, body, MAX_REST).await.map_err(Failure::from)?;
    serde_json::from_slice(&body).map_err(|error| {
        Refused::bad_request("bad_json", format!("Could not parse request body as JSON: {error}"))
    })
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
pub fn query_value(uri: &Uri, name: &str) -> Option<String> {
    let pairs = uri.query()?.split('&').filter_map(|pair| pair.split_once('='));
    pairs.into_iter().find(|(key, _)| *key == name).map(|(_, value)| value.to_owned())
}
