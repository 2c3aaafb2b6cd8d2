//! Sessions of pages: the refresh token stays in a cookie.

use frontdesk::demo;
use frontdesk::system::Policies;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value as Json, json};

use crate::authenticator::assurance;
use crate::fixture::{ANON_KEY, Answer, Fixture, tenant_path};

const ORIGIN: &str = "http://localhost:5173";
const SESSION: &str = "/console/session";
const REFRESH: &str = "/console/session/refresh";
const PROOF: &str = "/console/session/proof";

/// A call of a page, from this origin and with this cookie unless they are empty.
fn call(fixture: &Fixture, method: Method, path: &str, origin: &str, cookie: &str) -> RequestBuilder {
    let given = [("origin", origin), ("cookie", cookie)].into_iter().filter(|(_, value)| !value.is_empty());
    given.fold(fixture.request(method, path), |request, (name, value)| request.header(name, value))
}

fn login() -> Json {
    json!({"email": demo::MANAGER, "password": demo::PASSWORD})
}

/// The cookie that an answer sets, which no script may read. It is for each path, since nobody
/// says under which one a proxy has the gateway; that of the version before goes.
fn cookie_of(answer: &Answer) -> String {
    let all: Vec<&str> =
        answer.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap()).collect();
    let [set, old] = all[..] else { panic!("{all:?}") };
    let (cookie, parts) = set.split_once("; ").unwrap();
    let mut parts: Vec<&str> = parts.split("; ").collect();
    parts.sort_unstable();
    assert!(parts[..] == ["HttpOnly", "Max-Age=604800", "Path=/", "SameSite=Strict"], "{set}");
    assert_eq!(old, "frontdesk_session=; Path=/console/session; Max-Age=0; HttpOnly; SameSite=Strict");
    cookie.to_owned()
}

async fn sign_in(fixture: &Fixture) -> (Answer, String) {
    let answer = Answer::of(call(fixture, Method::POST, SESSION, ORIGIN, "").json(&login())).await;
    answer.ok();
    let cookie = cookie_of(&answer);
    (answer, cookie)
}

#[tokio::test]
async fn a_page_signs_in_and_sees_the_access_token_alone() {
    let fixture = Fixture::start().await;
    let (answer, cookie) = sign_in(&fixture).await;
    assert_eq!(answer.headers["access-control-allow-credentials"], "true");
    let (_, refresh) = cookie.split_once('=').unwrap();
    assert!(answer.body["refresh"].is_null() && !answer.body.to_string().contains(refresh));
    fixture.get("/v1/me", answer.body["access"].as_str().unwrap()).await.ok();
}

#[tokio::test]
async fn only_pages_of_allowed_origins_have_sessions() {
    let fixture = Fixture::start().await;
    let (_, cookie) = sign_in(&fixture).await;
    for origin in ["", "https://evil.example"] {
        let signing_in = call(&fixture, Method::POST, SESSION, origin, "").json(&login());
        Answer::of(signing_in).await.refused(403, "ORIGIN_NOT_ALLOWED");
        let refreshing = call(&fixture, Method::POST, REFRESH, origin, &cookie);
        Answer::of(refreshing).await.refused(403, "ORIGIN_NOT_ALLOWED");
    }
    let not_json = call(&fixture, Method::POST, SESSION, ORIGIN, "").body("x");
    Answer::of(not_json).await.refused(415, "UNSUPPORTED_MEDIA_TYPE");
    let read = Answer::of(call(&fixture, Method::GET, SESSION, ORIGIN, "")).await;
    read.refused(405, "METHOD_NOT_ALLOWED");
}

#[tokio::test]
async fn a_session_goes_on_with_its_cookie_until_it_is_deleted() {
    let fixture = Fixture::start().await;
    let (_, cookie) = sign_in(&fixture).await;
    let refresh = |cookie: &str| Answer::of(call(&fixture, Method::POST, REFRESH, ORIGIN, cookie));
    let without = refresh("").await;
    without.refused(401, "SIGN_IN_REQUIRED");
    // The fixture calls 127.0.0.1, from a page at localhost.
    let there = format!("call http://localhost:{}", fixture.system.gateway.port());
    assert!(without.body["detail"].as_str().unwrap().contains(&there), "{}", without.body);
    let refreshed = refresh(&cookie).await;
    fixture.get("/v1/me", refreshed.ok()["access"].as_str().unwrap()).await.ok();
    let next = cookie_of(&refreshed);
    assert_ne!(next, cookie);
    let over = Answer::of(call(&fixture, Method::DELETE, SESSION, ORIGIN, &next)).await;
    assert_eq!(over.status, 204);
    assert!(over.headers["set-cookie"].to_str().unwrap().contains("Max-Age=0"));
    let gone = refresh(&next).await;
    assert_eq!(gone.status, 401, "{}", gone.body);
}

/// What a proof makes of the session's tokens the cookie follows: that of before is over.
#[tokio::test]
async fn a_page_proves_a_second_factor_in_its_session() {
    let fixture = Fixture::start().await;
    let (answer, cookie) = sign_in(&fixture).await;
    let token = answer.body["access"].as_str().unwrap().to_owned();
    let prove = async |token: &str, cookie: &str, proof: &Json| {
        Answer::of(call(&fixture, Method::POST, PROOF, ORIGIN, cookie).bearer_auth(token).json(proof)).await
    };
    let app = fixture.enrol(&token, "phone").await;
    let proof = |code: String| json!({"factor_id": app.factor, "code": code});
    prove(&token, &cookie, &proof(app.wrong_code())).await.refused(403, "FACTOR_PROOF_WRONG");
    prove(&token, "", &proof(app.code(0))).await.refused(401, "SIGN_IN_REQUIRED");
    let evil = call(&fixture, Method::POST, PROOF, "https://evil.example", &cookie).bearer_auth(&token);
    Answer::of(evil.json(&proof(app.code(0)))).await.refused(403, "ORIGIN_NOT_ALLOWED");

    let proved = prove(&token, &cookie, &proof(app.code(0))).await;
    assert_eq!(assurance(proved.ok()).0, "aal2");
    assert_eq!(proved.headers["cache-control"], "no-store");
    let (next, codes) = (cookie_of(&proved), proved.body["recovery_codes"].clone());
    let (_, refresh) = next.split_once('=').unwrap();
    assert!(proved.body["refresh"].is_null() && !proved.body.to_string().contains(refresh));
    // A sign-out with the cookie from before it ended nothing, and says so.
    let beside = Answer::of(call(&fixture, Method::DELETE, SESSION, ORIGIN, &cookie)).await;
    beside.refused(401, "REFRESH_TOKEN_INVALID");
    assert!(beside.headers.get("set-cookie").is_none());
    let refreshed = Answer::of(call(&fixture, Method::POST, REFRESH, ORIGIN, &next)).await;
    assert_eq!(assurance(refreshed.ok()).0, "aal2");

    let (cookie, token) = (cookie_of(&refreshed), refreshed.body["access"].as_str().unwrap().to_owned());
    let recovered = prove(&token, &cookie, &json!({"code": codes[0]})).await;
    assert_eq!(recovered.ok()["recovery_codes_left"], 9);
    let (cookie, token) = (cookie_of(&recovered), recovered.body["access"].as_str().unwrap().to_owned());
    prove(&token, &cookie, &json!({"current_password": "wrong"})).await.refused(403, "PASSWORD_WRONG");
    let again = prove(&token, &cookie, &json!({"current_password": demo::PASSWORD})).await;
    assert_eq!(
        assurance(again.ok()),
        ("aal2".to_owned(), vec!["password".to_owned(), "recovery".to_owned()])
    );
    prove(&token, &cookie, &json!({"password": "x"})).await.refused(400, "MALFORMED_REQUEST");
    let stale = async || Answer::of(call(&fixture, Method::POST, REFRESH, ORIGIN, &cookie)).await;
    stale().await.refused(401, "REFRESH_TOKEN_INVALID");
    fixture.let_the_grace_pass().await;
    stale().await.refused(401, "REFRESH_TOKEN_REUSED");
}

/// A sibling host may set a cookie for all of its domain, and a browser sends both.
#[tokio::test]
async fn of_two_cookies_of_the_name_neither_counts() {
    let fixture = Fixture::start().await;
    let (_, cookie) = sign_in(&fixture).await;
    for planted in
        [format!("frontdesk_session=planted; {cookie}"), format!("{cookie}; frontdesk_session=planted")]
    {
        let refused = Answer::of(call(&fixture, Method::POST, REFRESH, ORIGIN, &planted)).await;
        refused.refused(401, "SIGN_IN_REQUIRED");
        assert!(refused.body["detail"].as_str().unwrap().contains("two cookies"), "{}", refused.body);
        let lines =
            call(&fixture, Method::DELETE, SESSION, ORIGIN, &cookie).header("cookie", "frontdesk_session=x");
        Answer::of(lines).await.refused(401, "SIGN_IN_REQUIRED");
    }
    Answer::of(call(&fixture, Method::POST, REFRESH, ORIGIN, &cookie)).await.ok();
}

#[tokio::test]
async fn over_https_the_cookie_is_one_that_only_this_host_can_set() {
    const SECURE: &str = "https://console.example";
    let gateway = gateway::Policy { origins: SECURE.parse().unwrap(), ..gateway::Policy::default() };
    let fixture = Fixture::start_under(Policies { gateway, ..Policies::default() }).await;
    let answer = Answer::of(call(&fixture, Method::POST, SESSION, SECURE, "").json(&login())).await;
    answer.ok();
    let set = answer.headers["set-cookie"].to_str().unwrap().to_owned();
    let mut parts = set.split("; ");
    let cookie = parts.next().unwrap();
    let (name, value) = cookie.split_once('=').unwrap();
    assert_eq!(name, "__Host-frontdesk_session");
    let mut parts: Vec<&str> = parts.collect();
    parts.sort_unstable();
    assert_eq!(parts, ["HttpOnly", "Max-Age=604800", "Path=/", "SameSite=Strict", "Secure"]);
    // The name that a sibling can set is no session here.
    let plain = format!("frontdesk_session={value}");
    Answer::of(call(&fixture, Method::POST, REFRESH, SECURE, &plain)).await.refused(401, "SIGN_IN_REQUIRED");
    let both = format!("{plain}x; {cookie}");
    let next = Answer::of(call(&fixture, Method::POST, REFRESH, SECURE, &both)).await;
    let next = next.headers["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    // The cookie of that name, which pages had before, goes with each sign-in and with its end.
    let ended = Answer::of(call(&fixture, Method::DELETE, SESSION, SECURE, &next)).await;
    assert_eq!(ended.status, 204);
    for answer in [&answer, &ended] {
        let set: Vec<&str> =
            answer.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap()).collect();
        assert!(set.len() == 2 && set[0].starts_with("__Host-"), "{set:?}");
        let old = "frontdesk_session=; Path=/console/session; Max-Age=0; HttpOnly; SameSite=Strict; Secure";
        assert_eq!(set[1], old);
    }
}

#[tokio::test]
async fn a_page_whose_name_leads_here_for_once_is_no_page_of_the_gateway() {
    let gateway = gateway::Policy { hosts: "api.example".parse().unwrap(), ..gateway::Policy::default() };
    let fixture = Fixture::start_under(Policies { gateway, ..Policies::default() }).await;
    let port = fixture.system.gateway.port();
    let sign_in = |host: String| {
        let request = call(&fixture, Method::POST, SESSION, &format!("http://{host}"), "").json(&login());
        Answer::of(request.header("host", host))
    };
    let rebound = sign_in(format!("rebound.example:{port}")).await;
    rebound.refused(403, "ORIGIN_NOT_ALLOWED");
    assert!(rebound.body["detail"].as_str().unwrap().contains("GATEWAY_HOSTS"), "{}", rebound.body);
    for own in ["api.example", "localhost", "127.0.0.1"] {
        sign_in(format!("{own}:{port}")).await.ok();
    }
    // What it reads is of its own origin, so that no `Origin` comes along.
    let token = fixture.manager().await;
    let read = |host: &str, path: &str| {
        let request = call(&fixture, Method::GET, path, "", "").bearer_auth(&token);
        Answer::of(request.header("host", format!("{host}:{port}")))
    };
    for path in ["/v1/me", "/auth/v1/settings", "/.well-known/jwks.json", "/docs", "/"] {
        let refused = read("rebound.example", path).await;
        assert_eq!(refused.status, 403, "{path}: {}", refused.body);
        assert!(refused.body.to_string().contains("GATEWAY_HOSTS"), "{path}: {}", refused.body);
    }
    read("rebound.example", "/livez").await.ok();
    for own in ["api.example", "localhost", "127.0.0.1"] {
        read(own, "/v1/me").await.ok();
    }
    let call = call(&fixture, Method::POST, "/frontdesk.identity.v1.UserService/GetMe", "", "");
    let call = call.header("host", "rebound.example").header("content-type", "application/grpc-web+proto");
    let refused = call.body(b"\0\0\0\0\0".to_vec()).send().await.unwrap();
    assert_eq!((refused.status().as_u16(), &refused.headers()["grpc-status"]), (200, &"7".parse().unwrap()));
}

/// What holds a token or a secret that is shown once is kept by no cache and no browser.
#[tokio::test]
async fn answers_with_secrets_are_not_stored() {
    let fixture = Fixture::start().await;
    let owner = fixture.token(demo::OWNER).await;
    let signed_in = Answer::of(fixture.request(Method::POST, "/v1/auth/login").json(&login())).await;
    let refresh = json!({"refresh": signed_in.ok()["refresh"]});
    let refreshed = Answer::of(fixture.request(Method::POST, "/v1/auth/refresh").json(&refresh)).await;
    let made = fixture.request(Method::POST, &tenant_path("/api-keys")).bearer_auth(&owner);
    let made = Answer::of(made.json(&json!({"name": "secret"}))).await;
    assert!(made.ok()["secret"].is_string());
    let of_supabase = fixture.request(Method::POST, "/auth/v1/token?grant_type=password");
    let of_supabase = Answer::of(of_supabase.header("apikey", ANON_KEY).json(&login())).await;
    assert!(of_supabase.ok()["access_token"].is_string());
    let (page, _) = sign_in(&fixture).await;
    for answer in [&signed_in, &refreshed, &made, &of_supabase, &page] {
        assert_eq!(answer.headers["cache-control"], "no-store", "{}", answer.body);
    }
}
