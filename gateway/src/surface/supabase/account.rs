//! `PUT /auth/v1/user`: what a user changes of itself. All that is asked for is read before
//! anything is changed. The password comes first: it is what is refused most often, and then
//! nothing was changed.

use frontdesk_proto::identity::v1 as wire;
use frontdesk_proto::{Checked, ErrorReason, Violations};
use http::{Request, Response, StatusCode};
use serde_json::Value as Json;
use tonic::body::Body;

use super::answer::{Refused, json_body, user_json};
use super::request::{json, signed_in};
use crate::call::headers::Client;
use crate::call::identity::Identity;
use crate::call::upstreams::Upstreams;

/// What is to be changed.
#[derive(Debug, Default, PartialEq, Eq)]
struct Wanted {
    display_name: Option<String>,
    /// The current password, empty if none was sent, and the new one.
    password: Option<(String, String)>,
}

/// Changes the name or the password of the user of a token.
pub async fn update(
    upstreams: &Upstreams,
    request: Request<Body>,
    client: &Client,
) -> Result<Response<Body>, Refused> {
    let identity = Identity::new(upstreams, signed_in(request.headers(), client)?);
    let Wanted { display_name, password } = wanted(&json(request).await?)?;
    if let Some((current_password, new_password)) = password {
        // Whoever has come by a link has no password to send.
        let has_current = !current_password.is_empty();
        let changed =
            identity.change_password(&wire::ChangePasswordRequest { current_password, new_password }).await;
        changed.map_err(Refused::from).map_err(|refused| {
            if has_current || !refused.is_for(ErrorReason::PasswordWrong) { refused } else { needs_current() }
        })?;
    }
    if let Some(name) = display_name {
        identity.update_me(name).await?;
    }
    let wire::GetMeResponse { user, factors, .. } = identity.me().await?;
    Ok(json_body(StatusCode::OK, &user.map(|user| user_json(user, &factors)).unwrap_or_default()))
}

/// Members that clients send without meaning anything by them are left alone.
fn wanted(body: &Json) -> Result<Wanted, Refused> {
    let text = |name: &str| body[name].as_str().filter(|text| !text.is_empty());
    for (name, why) in [
        (
            "email",
            "The e-mail address cannot be changed here. Ask whoever runs this platform; nothing was changed",
        ),
        ("phone", "Users have no phone number here. Nothing was changed"),
    ] {
        if text(name).is_some() {
            return Err(Refused::new(StatusCode::UNPROCESSABLE_ENTITY, "validation_failed", why));
        }
    }
    let password = match (text("password"), text("current_password")) {
        (Some(new), Some(current)) => Some((current.to_owned(), new.to_owned())),
        (Some(new), None) => Some((String::new(), new.to_owned())),
        (None, _) => None,
    };
    let display_name = match &body["data"] {
        Json::Null => None,
        Json::Object(data) => named(data)?,
        _ => return Err(only_a_name()),
    };
    Ok(Wanted { display_name, password })
}

/// The name among a user's data; there is no room for others.
fn named(data: &serde_json::Map<String, Json>) -> Result<Option<String>, Refused> {
    let mut name = None;
    for (key, value) in data {
        match (key.as_str(), value) {
            ("display_name", Json::String(text)) => name = Some(fitting(text)?),
            _ => return Err(only_a_name()),
        }
    }
    Ok(name)
}

/// A name that `UpdateMe` takes, by its own rule: it is called last, when all else is done.
fn fitting(name: &str) -> Result<String, Refused> {
    let mut found = Violations::default();
    wire::UpdateMeRequest { display_name: name.to_owned() }.check(&mut found);
    match found.refusal() {
        None => Ok(name.to_owned()),
        Some(refusal) => {
            let message = format!("{} Nothing was changed", refusal.message());
            Err(Refused::bad_request("validation_failed", message))
        }
    }
}

fn needs_current() -> Refused {
    Refused::bad_request(
        "reauthentication_needed",
        "Send current_password beside password. Nothing was changed",
    )
}

fn only_a_name() -> Refused {
    Refused::bad_request(
        "validation_failed",
        "data takes display_name, a text, and nothing else. Nothing was changed",
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(body: Json) -> Result<Wanted, &'static str> {
        wanted(&body).map_err(|refused| refused.code)
    }

    #[test]
    fn all_that_is_wanted_is_known_or_nothing_is_done() {
        let name = || Some("Anna".to_owned());
        let password = || Some(("old".to_owned(), "new".to_owned()));
        for (body, expected) in [
            (json!({}), Ok(Wanted::default())),
            (json!({"data": {"display_name": "Anna"}}), Ok(Wanted { display_name: name(), password: None })),
            (
                json!({"password": "new", "current_password": "old", "data": {}, "code_challenge": null}),
                Ok(Wanted { display_name: None, password: password() }),
            ),
            (
                json!({"password": "new"}),
                Ok(Wanted { display_name: None, password: Some((String::new(), "new".to_owned())) }),
            ),
            (
                json!({"password": "new", "current_password": "old", "email": "a@b.example"}),
                Err("validation_failed"),
            ),
            (json!({"phone": "1"}), Err("validation_failed")),
            (json!({"data": {"display_name": "Anna", "age": 3}}), Err("validation_failed")),
            (json!({"data": {"display_name": 3}}), Err("validation_failed")),
            (json!({"data": {"display_name": ""}}), Err("validation_failed")),
            (json!({"data": {"display_name": " \t"}}), Err("validation_failed")),
            (json!({"data": {"display_name": "Anna\nAdler"}}), Err("validation_failed")),
            (json!({"data": {"display_name": "x".repeat(201)}}), Err("validation_failed")),
            (
                json!({"password": "new", "current_password": "old", "data": {"display_name": ""}}),
                Err("validation_failed"),
            ),
            (json!({"data": "Anna"}), Err("validation_failed")),
        ] {
            assert_eq!(read(body.clone()), expected, "{body}");
        }
    }
}
