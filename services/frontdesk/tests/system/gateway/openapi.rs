//! The document of the API and the page that shows it.

use frontdesk::demo;
use reqwest::{Method, RequestBuilder, Url};
use serde_json::{Value as Json, json};

use crate::fixture::{Answer, Fixture, case, path_of};

/// Examples that are refused for more than one field says: a proof is one of two, and every id
/// of an example is the same.
const REFUSED: [(&str, &str); 2] = [("VerifyFactor", "INVALID_FIELD"), ("MergeCustomers", "INVALID_FIELD")];

/// A call as the document shows it.
struct Example {
    operation: Json,
    method: Method,
    path: String,
    body: Option<(String, Json)>,
}

impl Example {
    /// All of the document.
    fn all(document: &Json) -> Vec<Self> {
        let paths = document["paths"].as_object().unwrap().iter();
        let operations = paths.flat_map(|(path, methods)| {
            let methods = methods.as_object().unwrap().iter();
            methods.filter(|(_, one)| one["operationId"].is_string()).map(move |each| (path, each))
        });
        operations.map(|(path, (method, operation))| Self::of(document, path, method, operation)).collect()
    }

    fn of(document: &Json, path: &str, method: &str, operation: &Json) -> Self {
        let whole = |one: &Json| match one["$ref"].as_str() {
            Some(reference) => document.pointer(reference.trim_start_matches('#')).unwrap().clone(),
            None => one.clone(),
        };
        let (mut filled, mut query) = (path.to_owned(), Vec::new());
        for parameter in operation["parameters"].as_array().into_iter().flatten().map(whole) {
            let name = parameter["name"].as_str().unwrap();
            let schema = whole(&parameter["schema"]);
            let shown = [&parameter["example"], &schema["examples"][0], &schema["enum"][0]];
            let shown = shown.into_iter().find_map(Json::as_str).unwrap_or("example");
            match parameter["in"].as_str().unwrap() {
                "path" => filled = filled.replace(&format!("{{{name}}}"), shown),
                "query" if parameter["required"] == true => query.push(format!("{name}={shown}")),
                _ => {}
            }
        }
        if !query.is_empty() {
            filled = format!("{filled}?{}", query.join("&"));
        }
        let content = operation["requestBody"]["content"].as_object();
        let body = content.and_then(|content| content.iter().next()).map(|(kind, content)| {
            let example = content.get("example").cloned().unwrap_or_else(|| json!({}));
            (kind.clone(), example)
        });
        Self {
            operation: operation.clone(),
            method: method.to_uppercase().parse().unwrap(),
            path: filled,
            body,
        }
    }

    fn name(&self) -> &str {
        self.operation["operationId"].as_str().unwrap()
    }

    /// Sends it as whoever has the scopes for it.
    async fn send(&self, fixture: &Fixture) -> Answer {
        let scopes = self.operation["security"][0]["bearer"].as_array();
        let is_operators = scopes.is_some_and(|scopes| {
            scopes.iter().any(|scope| scope.as_str().is_some_and(|scope| scope.starts_with("platform:")))
        });
        // A session of its own: some of them end it.
        let token = fixture.token(if is_operators { demo::OPERATOR } else { demo::OWNER }).await;
        let call = fixture.request(self.method.clone(), &self.path).bearer_auth(token);
        let call = call.header("x-tenant-api-key", &fixture.api_key);
        // A stream without an end ends then.
        let call = call.header("apikey", crate::fixture::ANON_KEY).header("x-request-timeout", "2");
        Answer::of(self.with_body(call.header("origin", fixture.url("")))).await
    }

    fn with_body(&self, call: RequestBuilder) -> RequestBuilder {
        match &self.body {
            None => call,
            Some((kind, body)) => match kind.as_str() {
                "application/json" => call.json(body),
                kind @ "application/x-www-form-urlencoded" => {
                    call.header("content-type", kind).body(form(body))
                }
                other => call.header("content-type", other).body("external_id,name\n7,Anna\n"),
            },
        }
    }
}

/// Members of an object as a form has them.
fn form(body: &Json) -> String {
    let fields = body.as_object().unwrap().iter().map(|(name, value)| (name, value.as_str().unwrap()));
    Url::parse_with_params("http://form/", fields).unwrap().query().unwrap().to_owned()
}

#[tokio::test]
async fn the_document_of_the_api_is_current() {
    let fixture = Fixture::start().await;
    let served = fixture.request(Method::GET, "/openapi.json").send().await.unwrap();
    let served = served.text().await.unwrap();
    let committed = concat!(env!("CARGO_MANIFEST_DIR"), "/../../gateway/openapi.json");
    #[expect(clippy::disallowed_methods, reason = "asks for the file to be written: `make generate`")]
    let generate = std::env::var_os("FRONTDESK_GENERATE").is_some();
    if generate {
        std::fs::write(committed, &served).unwrap();
    }
    assert!(
        std::fs::read_to_string(committed).unwrap() == served,
        "gateway/openapi.json is stale: run `make generate`"
    );
}

#[tokio::test]
async fn the_page_that_shows_it_needs_nothing_from_elsewhere() {
    let fixture = Fixture::start().await;
    let docs = fixture.request(Method::GET, "/docs").send().await.unwrap();
    let policy = docs.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    assert!(!docs.text().await.unwrap().contains("https://"));
}

#[tokio::test]
async fn pages_are_read_only() {
    let fixture = Fixture::start().await;
    let other = Answer::of(fixture.request(Method::POST, "/docs").json(&json!({}))).await;
    other.refused(405, "METHOD_NOT_ALLOWED");
    assert_eq!(other.headers["allow"], "GET, HEAD, OPTIONS");
    assert_eq!(fixture.request(Method::OPTIONS, "/livez").send().await.unwrap().status(), 204);
}

/// Nothing that the document shows is refused for its form, by whatever it is asked of.
#[tokio::test]
async fn every_example_of_the_document_is_taken() {
    let fixture = Fixture::start().await;
    let document = Answer::of(fixture.request(Method::GET, "/openapi.json")).await.body;
    let examples = Example::all(&document);
    assert!(examples.len() > 120, "{}", examples.len());
    let mut problems = Vec::new();
    for example in &examples {
        let answer = example.send(&fixture).await;
        let code = answer.body["code"].as_str().or_else(|| answer.body["error_code"].as_str());
        let code = code.unwrap_or_default();
        let is_named = REFUSED.contains(&(example.name(), code));
        let of_form =
            ["INVALID_FIELD", "MALFORMED_REQUEST", "ROUTE_NOT_FOUND", "bad_json", "validation_failed"];
        let is_form = answer.status >= 500 || matches!(answer.status, 405 | 406 | 413 | 415);
        if (is_form || of_form.contains(&code)) && !is_named {
            problems.push(format!("{} {}: {} {}", example.method, example.path, answer.status, answer.body));
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[tokio::test]
async fn the_example_of_an_approve_approves() {
    let fixture = Fixture::start().await;
    let document = Answer::of(fixture.request(Method::GET, "/openapi.json")).await.body;
    let examples = Example::all(&document);
    let mut approve = examples.into_iter().find(|one| one.name() == "ApproveBookingRequest").unwrap();
    approve.path = path_of(case("REQUESTED"), "/approve");
    assert_eq!(approve.send(&fixture).await.ok()["status"], "confirmed");
}

#[tokio::test]
async fn what_is_created_has_a_place_where_it_is_read() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let house = json!({"name": "Mill", "time_zone": "Europe/Berlin", "max_guests": 2});
    let made = fixture.post("/api/v1/properties", &token, &house).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let location = made.headers["location"].to_str().unwrap();
    assert_eq!(location, format!("/api/v1/properties/{}", made.body["id"].as_str().unwrap()));
    assert_eq!(fixture.get(location, &token).await.ok(), &made.body);
    let owner = fixture.token(demo::OWNER).await;
    let role = json!({"name": "clerk", "scopes": ["bookings:view"]});
    let made = fixture.post(&crate::fixture::tenant_path("/roles"), &owner, &role).await;
    assert_eq!((made.status, made.headers.get("location")), (201, None), "{}", made.body);
}
