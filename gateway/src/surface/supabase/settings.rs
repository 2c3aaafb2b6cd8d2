//! `GET /auth/v1/settings`: which ways to sign in there are, in GoTrue's shape. That has no word
//! for passkeys, nor for issuers that are trusted. Nobody makes an account by signing in.

use http::{Response, StatusCode};
use serde_json::{Map, Value as Json, json};
use tonic::body::Body;

use super::answer::json_body;
use crate::answer::access_log::By;

/// What GoTrue can have, of which one is here: an e-mail address with a password.
const WAYS: [&str; 25] = [
    "anonymous_users",
    "apple",
    "azure",
    "bitbucket",
    "discord",
    "facebook",
    "figma",
    "fly",
    "github",
    "gitlab",
    "google",
    "keycloak",
    "kakao",
    "linkedin",
    "linkedin_oidc",
    "notion",
    "spotify",
    "slack",
    "slack_oidc",
    "workos",
    "twitch",
    "twitter",
    "email",
    "phone",
    "zoom",
];

/// The answer, which is the same for everybody.
pub fn answer() -> Response<Body> {
    let external: Map<String, Json> =
        WAYS.iter().map(|way| ((*way).to_owned(), (*way == "email").into())).collect();
    let settings = json!({
        "external": external,
        "disable_signup": true,
        "mailer_autoconfirm": false,
        "phone_autoconfirm": false,
        "sms_provider": "",
        "saml_enabled": false,
    });
    let mut response = json_body(StatusCode::OK, &settings);
    response.extensions_mut().insert(By::Gateway);
    response
}
