//! What the log must not hold, and traces and figures neither.

use std::process::Stdio;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value as Json, json};

use super::run::{Dev, Exports, FREE, Folder, dev, exports, wait_for};

/// What is known of a guest, or enough of it to know them by.
const PERSONAL: [&str; 4] = ["Quellwasser", "zq.guest@", "5550199", "gluten"];

/// The guest.
fn person() -> Json {
    json!({"name": "Zita Quellwasser", "email": "zq.guest@example.org", "phone": "+49 30 5550199", "notes": "no gluten"})
}

/// Stores the guest and looks for them by their name.
pub async fn store_and_find_person(
    url: &str,
    credentials: impl Fn(reqwest::RequestBuilder) -> reqwest::RequestBuilder,
) {
    let http = reqwest::Client::new();
    let stored = credentials(http.post(format!("{url}/v1/customers")).json(&person())).send().await.unwrap();
    assert_eq!(stored.status(), 201);
    let found = credentials(http.get(format!("{url}/v1/customers?search=Quellwasser")));
    assert!(found.send().await.unwrap().text().await.unwrap().contains("Quellwasser"));
}

#[tokio::test]
async fn the_log_of_a_whole_day_holds_no_secret() {
    let folder = Folder::new("log");
    let log = std::fs::File::create(folder.path().join("log")).unwrap();
    let mut child = Dev(dev(
        folder.path(),
        &["--gateway", FREE, "--ephemeral"],
        &[("LOG", "trace"), ("LOG_FORMAT", "json")],
    )
    .stdout(Stdio::null())
    .stderr(log)
    .spawn()
    .unwrap());
    wait_for(|| exports(folder.path()).status.success());
    let exports = Exports::of(folder.path());
    let value = |name: &str| exports.value(name);
    let (url, password) = (value("API_BASE_URL"), value("DEMO_PASSWORD"));
    let http = reqwest::Client::new();
    let post = async |path: &str, token: &str, body: serde_json::Value| -> serde_json::Value {
        let request = http.post(format!("{url}{path}")).bearer_auth(token).json(&body);
        request.send().await.unwrap().json().await.unwrap()
    };
    let mut secrets = vec![password.clone(), value("TENANT_API_KEY"), value("SUPABASE_ANON_KEY")];
    let login = |email: &str, password: &str| json!({"email": email, "password": password});
    post("/v1/auth/login", "x", login("manager@alpine.example", "a-wrong-password")).await;
    secrets.push("a-wrong-password".to_owned());
    let first = post("/v1/auth/login", "x", login("owner@alpine.example", &password)).await;
    let again = post("/v1/auth/refresh", "x", json!({"refresh": first["refresh"]})).await;
    for tokens in [&first, &again] {
        secrets.extend(["access", "refresh"].map(|name| tokens[name].as_str().unwrap().to_owned()));
    }
    let token = again["access"].as_str().unwrap();
    let key =
        post(&format!("/v1/tenants/{}/api-keys", value("TENANT_ID")), token, json!({"name": "k"})).await;
    secrets.extend(secrets_of_a_client(&url, &key, token).await);
    for (request, id) in [("DEMO_REQUESTED", "approved"), ("DEMO_OVERLAP_OTHER_GUEST", "refused")] {
        let approve = http.post(format!("{url}/v1/booking-requests/{}/approve", value(request)));
        let approve = approve.header("x-tenant-id", value("TENANT_ID")).header("x-request-id", id);
        approve.bearer_auth(token).json(&json!({})).send().await.unwrap();
    }
    let credentials = |request: reqwest::RequestBuilder| {
        let request = request.bearer_auth(token).header("x-tenant-id", value("TENANT_ID"));
        request.header("x-tenant-api-key", value("TENANT_API_KEY"))
    };
    store_and_find_person(&url, credentials).await;
    let forged = format!("{token}x");
    post("/v1/auth/logout", &forged, json!({})).await;
    let query = format!("{url}/auth/v1/user?apikey={}", value("SUPABASE_ANON_KEY"));
    http.get(query).bearer_auth(token).send().await.unwrap();

    child.signal("-INT");
    let log = std::fs::read_to_string(folder.path().join("log")).unwrap();
    assert!(log.contains("/v1/auth/login") && log.contains("request_id"), "{log}");
    assert_one_line_for_each_hop(&log, &value("TENANT_ID"));
    assert_holds_none(&log, &secrets);
}

/// What a client sends and gets at the token endpoint, for itself and for a user.
async fn secrets_of_a_client(url: &str, key: &Json, subject: &str) -> Vec<String> {
    let (id, secret) = (key["api_key"]["id"].as_str().unwrap(), key["secret"].as_str().unwrap());
    let mut secrets = vec![secret.to_owned(), BASE64_STANDARD.encode(format!("{id}:{secret}"))];
    let exchange = format!(
        "grant_type=urn:ietf:params:oauth:grant-type:token-exchange&subject_token={subject}\
         &subject_token_type=urn:ietf:params:oauth:token-type:access_token"
    );
    for form in ["grant_type=client_credentials", &exchange] {
        let asked = reqwest::Client::new().post(format!("{url}/oauth/token")).basic_auth(id, Some(secret));
        let asked = asked.header("content-type", "application/x-www-form-urlencoded").body(form.to_owned());
        let answer: Json = asked.send().await.unwrap().json().await.unwrap();
        secrets.push(answer["access_token"].as_str().unwrap().to_owned());
    }
    secrets
}

/// Of a log, traces or figures. Signatures and secrets tell as much as the whole.
pub fn assert_holds_none(told: &str, secrets: &[String]) {
    for secret in secrets {
        assert!(!told.contains(secret), "{secret} is told");
        let part = secret.rsplit(['.', '_']).next().unwrap();
        assert!(part.len() < 12 || !told.contains(part), "a part of {secret} is told");
    }
    for personal in ["owner@alpine.example"].into_iter().chain(PERSONAL) {
        assert!(!told.contains(personal), "{personal} is told");
    }
}

/// What is told of the calls that were approved and refused above.
fn assert_one_line_for_each_hop(log: &str, tenant: &str) {
    let lines: Vec<Json> = log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    for (id, http_status, code, reason) in
        [("approved", 200, "OK", None), ("refused", 409, "FAILED_PRECONDITION", Some("BOOKING_OVERLAP"))]
    {
        let of = |target: &str, what: &str, path: &str| -> Vec<&Json> {
            let mut of_call =
                lines.iter().filter(|line| line["request_id"] == id && line["target"] == target);
            of_call.by_ref().filter(|line| line[what].as_str().unwrap().ends_with(path)).collect()
        };
        let (edge, service) = (of("http", "path", "/approve"), of("rpc", "method", "/ApproveBookingRequest"));
        let ([edge], [service]) = (&edge[..], &service[..]) else { panic!("{edge:?} {service:?}") };
        assert_eq!((&edge["status"], edge["reason"].as_str()), (&http_status.into(), reason), "{edge}");
        assert_eq!((&service["code"], service["reason"].as_str()), (&code.into(), reason), "{service}");
        assert_eq!(service["tenant_id"], tenant, "{service}");
        assert!(service["user_id"].is_string() && service["elapsed_us"].is_u64(), "{service}");
    }
}
