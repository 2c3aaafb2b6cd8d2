//! `POST /auth/v1/recover` and `POST /auth/v1/verify`: a forgotten password. The link in the
//! letter leads to the page of the deployment, whatever `redirect_to` says: it would lead
//! anywhere otherwise. The page gives the token to `verifyOtp`, as `token_hash`.

use frontdesk_proto::identity::v1 as wire;
use http::{Request, Response, StatusCode};
use serde_json::{Value as Json, json};
use tonic::body::Body;

use super::answer::{Refused, json_body, session_json, user_json};
use super::request::{self, stranger};
use crate::call::headers::Client;
use crate::call::identity::Identity;
use crate::call::upstreams::Upstreams;

/// Sends a link, if the address is somebody's.
pub async fn ask(
    upstreams: &Upstreams,
    request: Request<Body>,
    client: &Client,
) -> Result<Response<Body>, Refused> {
    let identity = Identity::new(upstreams, stranger(request.headers(), client));
    let body = request::json(request).await?;
    let email = text(&body, "email");
    if email.is_empty() {
        return Err(Refused::bad_request("validation_failed", "Password recovery requires an email"));
    }
    identity.request_recovery(email).await?;
    Ok(json_body(StatusCode::OK, &json!({})))
}

/// Starts a session by the token of a link.
pub async fn verify(
    upstreams: &Upstreams,
    request: Request<Body>,
    client: &Client,
) -> Result<Response<Body>, Refused> {
    let identity = Identity::new(upstreams, stranger(request.headers(), client));
    let body = request::json(request).await?;
    if text(&body, "type") != "recovery" {
        return Err(Refused::bad_request(
            "validation_failed",
            "Verify takes type recovery, and no other. Nothing was changed",
        ));
    }
    let token = [text(&body, "token_hash"), text(&body, "token")].into_iter().find(|one| !one.is_empty());
    let Some(token) = token else {
        return Err(Refused::bad_request("validation_failed", "Verify requires a token or a token hash"));
    };
    let wire::SignInByLinkResponse { access, refresh, token_type: _, expires_in, user, factors } =
        identity.sign_in_by_link(token).await?;
    let user = user.map(|user| user_json(user, &factors));
    Ok(json_body(StatusCode::OK, &session_json(&access, &refresh, expires_in, user)))
}

fn text(body: &Json, name: &str) -> String {
    body.get(name).and_then(Json::as_str).unwrap_or_default().to_owned()
}
