//! `PUT /auth/v1/user`: what a user changes of itself. All that is asked for is read before
//! anything is changed. The name comes last: the password and the address are what is refused,
//! and then nothing was changed. Those two go one at a time: each can be refused, and a new
//! password ends the link to a new address.

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

/// What of a user's data is kept.
const NAME: &str = "display_name";
/// Keys that a refusal names, and letters of each.
const MOST_SHOWN: usize = 8;
const LONGEST_SHOWN: usize = 40;

/// What is to be changed.
#[derive(Debug, Default, PartialEq, Eq)]
struct AccountChange {
    display_name: Option<String>,
    email: Option<String>,
    /// The current password, empty if none was sent, and the new one.
    password: Option<(String, String)>,
}

/// Changes the name or the password of the user of a token, or sends a link to its new address.
pub async fn update(
    upstreams: &Upstreams,
    request: Request<Body>,
    client: &Client,
) -> Result<Response<Body>, Refused> {
    let identity = Identity::new(upstreams, signed_in(request.headers(), client)?);
    let AccountChange { display_name, email, password } = wanted(&json(request).await?)?;
    if let Some((current_password, new_password)) = password {
        // Whoever has come by a link has no password to send.
        let has_current = !current_password.is_empty();
        let changed =
            identity.change_password(&wire::ChangePasswordRequest { current_password, new_password }).await;
        changed.map_err(Refused::from).map_err(|refused| {
            if has_current || !refused.is_for(ErrorReason::PasswordWrong) { refused } else { needs_current() }
        })?;
    }
    let new_email = match email {
        Some(email) => change_email(&identity, email).await?,
        None => None,
    };
    if let Some(name) = display_name {
        identity.update_me(name).await?;
    }
    let wire::GetMeResponse { user, factors, .. } = identity.me().await?;
    let mut user = user.map(|user| user_json(user, &factors)).unwrap_or_default();
    if let Some(email) = new_email {
        user["new_email"] = email.into();
    }
    Ok(json_body(StatusCode::OK, &user))
}

/// The address to which a link was sent. Clients send the one that the user has, too, and mean
/// nothing by it.
async fn change_email(identity: &Identity<'_>, email: String) -> Result<Option<String>, Refused> {
    let current = identity.me().await?.user.map(|user| user.email).unwrap_or_default();
    if email.trim().eq_ignore_ascii_case(&current) {
        return Ok(None);
    }
    identity.change_email(email.clone()).await?;
    Ok(Some(email))
}

/// Members that clients send without meaning anything by them are left alone.
fn wanted(body: &Json) -> Result<AccountChange, Refused> {
    let text = |name: &str| body[name].as_str().filter(|text| !text.is_empty());
    if text("phone").is_some() {
        let why = "Users have no phone number here. Nothing was changed";
        return Err(Refused::new(StatusCode::UNPROCESSABLE_ENTITY, "validation_failed", why));
    }
    let password = match (text("password"), text("current_password")) {
        (Some(new), Some(current)) => Some((current.to_owned(), new.to_owned())),
        (Some(new), None) => Some((String::new(), new.to_owned())),
        (None, _) => None,
    };
    let email = text("email").map(|email| fitting(wire::ChangeEmailRequest { email: email.to_owned() }));
    let email = email.transpose()?.map(|request| request.email);
    if email.is_some() && password.is_some() {
        return Err(Refused::bad_request(
            "validation_failed",
            "Change the password and the e-mail address one after the other. Nothing was changed",
        ));
    }
    let display_name = match &body["data"] {
        Json::Null => None,
        Json::Object(data) => named(data)?,
        _ => return Err(only_a_name("is not an object")),
    };
    Ok(AccountChange { display_name, email, password })
}

/// The name among a user's data. There is no room for others: what was dropped would be missing
/// from `user_metadata` without a word.
fn named(data: &serde_json::Map<String, Json>) -> Result<Option<String>, Refused> {
    let others: Vec<&str> = data.keys().map(String::as_str).filter(|key| *key != NAME).collect();
    if !others.is_empty() {
        return Err(only_a_name(&format!("has {} as well", listed(&others))));
    }
    match data.get(NAME) {
        None => Ok(None),
        Some(Json::String(text)) => {
            Ok(Some(fitting(wire::UpdateMeRequest { display_name: text.clone() })?.display_name))
        }
        Some(_) => Err(only_a_name("has one that is not a text")),
    }
}

/// Keys of somebody's own making, as many and as much of each as a sentence bears.
fn listed(keys: &[&str]) -> String {
    let shown = keys.iter().take(MOST_SHOWN);
    let shown: Vec<String> = shown.map(|key| key.chars().take(LONGEST_SHOWN).collect()).collect();
    match keys.len() - shown.len() {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// A request that its method takes, by its own rules: some are called when others are done.
fn fitting<R: Checked>(request: R) -> Result<R, Refused> {
    let mut found = Violations::default();
    request.check(&mut found);
    match found.refusal() {
        None => Ok(request),
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

fn only_a_name(what: &str) -> Refused {
    let message = format!("data takes {NAME}, a text, and nothing else, and {what}. Nothing was changed");
    Refused::bad_request("validation_failed", message)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(body: Json) -> Result<AccountChange, &'static str> {
        wanted(&body).map_err(|refused| refused.code)
    }

    #[test]
    fn all_that_is_wanted_is_known_or_nothing_is_done() {
        let named = || AccountChange { display_name: Some("Anna".to_owned()), ..AccountChange::default() };
        let addressed =
            || AccountChange { email: Some("a@b.example".to_owned()), ..AccountChange::default() };
        let with = |current: &str| AccountChange {
            password: Some((current.to_owned(), "new".to_owned())),
            ..AccountChange::default()
        };
        for (body, expected) in [
            (json!({}), Ok(AccountChange::default())),
            (json!({"data": {"display_name": "Anna"}}), Ok(named())),
            (
                json!({"password": "new", "current_password": "old", "data": {}, "code_challenge": null}),
                Ok(with("old")),
            ),
            (json!({"password": "new"}), Ok(with(""))),
            (json!({"email": "a@b.example", "password": ""}), Ok(addressed())),
            (
                json!({"email": "a@b.example", "data": {"display_name": "Anna"}}),
                Ok(AccountChange { email: addressed().email, ..named() }),
            ),
            (json!({"email": "a.b.example"}), Err("validation_failed")),
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

    #[test]
    fn keys_that_are_not_kept_are_named() {
        let said = |data: Json| wanted(&json!({"data": data})).unwrap_err().message;
        let two = said(json!({"display_name": "Anna", "theme": "dark", "age": 3}));
        for part in ["age", "theme", "as well. Nothing was changed"] {
            assert!(two.contains(part), "{two}");
        }
        assert!(said(json!({"display_name": 3})).contains("not a text"));
        assert!(said(json!([1])).contains("not an object"));
        let many: serde_json::Map<String, Json> =
            (0..100).map(|n| (format!("{n}{}", "k".repeat(1000)), Json::Null)).collect();
        let many = said(many.into());
        assert!(many.len() < 600 && many.contains("and 92 more"), "{many}");
    }
}
