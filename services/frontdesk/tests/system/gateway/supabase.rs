//! What clients of hosted Supabase auth find of the parts that are not sessions.

use frontdesk::demo;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value as Json, json};

use crate::fixture::{ANON_KEY, Answer, Fixture};

fn call(fixture: &Fixture, method: Method, path: &str) -> RequestBuilder {
    fixture.request(method, path).header("apikey", ANON_KEY)
}

/// Before, it was not found.
#[tokio::test]
async fn the_settings_name_the_ways_to_sign_in_that_there_are() {
    let fixture = Fixture::start().await;
    let path = "/auth/v1/settings";
    let without_key = Answer::of(fixture.request(Method::GET, path)).await;
    assert_eq!(without_key.status, 401, "{}", without_key.body);
    let settings = Answer::of(call(&fixture, Method::GET, path)).await;
    let ways = settings.ok()["external"].as_object().unwrap();
    assert_eq!(ways.len(), 25, "{ways:?}");
    let there: Vec<&str> =
        ways.iter().filter(|(_, there)| **there == json!(true)).map(|(way, _)| way.as_str()).collect();
    assert_eq!(there, ["email"]);
    for (name, value) in [
        ("disable_signup", json!(true)),
        ("mailer_autoconfirm", json!(false)),
        ("phone_autoconfirm", json!(false)),
        ("sms_provider", json!("")),
        ("saml_enabled", json!(false)),
    ] {
        assert_eq!(settings.body[name], value, "{name}");
    }
    // As it says: by an address and a password, and nobody makes an account.
    let login = json!({"email": demo::MANAGER, "password": demo::PASSWORD});
    let login = call(&fixture, Method::POST, "/auth/v1/token?grant_type=password").json(&login);
    Answer::of(login).await.ok();
    let signup = json!({"email": "new@x.example", "password": "not one of those"});
    let signup = Answer::of(call(&fixture, Method::POST, "/auth/v1/signup").json(&signup)).await;
    assert_eq!(signup.status, 404);
    let other = Answer::of(call(&fixture, Method::POST, path)).await;
    assert_eq!((other.status, &other.headers["allow"]), (405, &"GET".parse().unwrap()));
}

#[tokio::test]
async fn what_of_a_users_data_is_not_kept_is_refused_by_its_name() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let user = |method| call(&fixture, method, "/auth/v1/user").bearer_auth(&token);
    let before = Answer::of(user(Method::GET)).await.ok().clone();
    let data = json!({"data": {"display_name": "Mara", "theme": "dark", "avatar_url": "x"}});
    let refused = Answer::of(user(Method::PUT).json(&data)).await;
    assert_eq!((refused.status, &refused.body["error_code"]), (400, &json!("validation_failed")));
    let said = refused.body["msg"].as_str().unwrap();
    for part in ["avatar_url", "theme", "display_name", "Nothing was changed"] {
        assert!(said.contains(part), "{said}");
    }
    let after: Json = Answer::of(user(Method::GET)).await.ok().clone();
    assert_eq!(after["user_metadata"], before["user_metadata"]);
    let asked = Answer::of(call(&fixture, Method::GET, "/auth/v1/reauthenticate").bearer_auth(&token)).await;
    assert_eq!(asked.status, 404);
    assert!(asked.body["msg"].as_str().unwrap().contains("current_password"), "{}", asked.body);
}

/// It was taken as if there were none.
#[tokio::test]
async fn a_factors_name_that_is_no_text_is_refused() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let user = async || {
        Answer::of(call(&fixture, Method::GET, "/auth/v1/user").bearer_auth(&token)).await.ok().clone()
    };
    let before = user().await;
    for name in [json!(5), json!(true), json!(["x"]), json!({"x": "y"})] {
        let factor = json!({"factor_type": "totp", "friendly_name": name});
        let factor = call(&fixture, Method::POST, "/auth/v1/factors").bearer_auth(&token).json(&factor);
        let refused = Answer::of(factor).await;
        assert_eq!((refused.status, &refused.body["error_code"]), (400, &json!("validation_failed")));
        assert!(refused.body["msg"].as_str().unwrap().contains("friendly_name"), "{}", refused.body);
    }
    assert_eq!(user().await, before);
}
