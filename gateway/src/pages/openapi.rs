//! The REST surface as an OpenAPI 3.1 document, from the same descriptors that
//! route it: paths and bodies from `google.api.http`; security, refusals, headers
//! and what fields take from the options in the protos. Comments are shown to
//! people and say nothing to this code.

mod example;
mod field;
mod inline;
mod operation;
mod parameters;
mod responses;
mod schema;

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};
use transcode::Transcoder;

use self::responses::Components;
pub use self::schema::Texts;
use super::comments::comment;

/// Paths that are no method's: those of `surface`. They have the shapes of others, so that
/// nothing says what they take and answer but this.
const SURFACES: &str = include_str!("openapi/surfaces.json");

/// The document, with the texts of fields that are wanted.
pub fn document(transcoder: &Transcoder, texts: Texts) -> Json {
    let bindings = transcoder.bindings();
    let mut shared = Components::new(bindings, texts);
    let mut paths: BTreeMap<String, Map<String, Json>> = BTreeMap::new();
    let mut tags: BTreeMap<String, Json> = BTreeMap::new();
    for binding in bindings {
        let service = binding.method().parent_service();
        tags.entry(service.name().to_owned()).or_insert_with(|| {
            let description = comment(&service.parent_file(), service.path());
            json!({"name": service.name(), "description": description})
        });
        let path = operation::path(binding.template());
        let of_path = paths.entry(path).or_default();
        if !binding.template().starts_with("/v1/") {
            of_path.insert("servers".to_owned(), json!([root()]));
        }
        let operation = operation::of(binding, &mut shared);
        of_path.insert(binding.http_method().as_str().to_ascii_lowercase(), operation);
    }
    let responses = shared.responses();
    let parameters = parameters::share(&mut paths);
    let mut document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Frontdesk",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Identity and booking of a rental platform. Every refusal is an `application/problem+json` whose `code` is a reason; `/runbook/{code}` says what it means and what to do. Every answer has `X-Request-Id`, which finds it in the log. The scopes that a call needs are those of its `security`; `x-aal` says that its user has proved a second factor, `x-fresh` within how many seconds.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [root(), {"url": "/api", "description": "The same paths under another prefix."}],
        "tags": tags.into_values().collect::<Vec<_>>(),
        "paths": paths,
        "components": {
            "securitySchemes": {
                "bearer": {
                    "type": "http", "scheme": "bearer", "bearerFormat": "JWT",
                    "description": "Access token of `POST /v1/auth/login`.",
                },
                "api_key": {
                    "type": "apiKey", "in": "header", "name": "X-Tenant-Api-Key",
                    "description": "Key of a tenant, of `POST /v1/tenants/{tenant_id}/api-keys`.",
                },
            },
            "parameters": parameters,
            "headers": responses::headers(),
            "responses": responses,
            "schemas": shared.schemas.finish(responses::problem()),
        },
    });
    // A test reads it.
    add(&mut document, &serde_json::from_str(SURFACES).unwrap_or_default());
    inline::once_used(&mut document);
    document
}

/// Adds what another document has and this one has not; lists are put together.
fn add(document: &mut Json, others: &Json) {
    match (document, others) {
        (Json::Object(members), Json::Object(others)) => {
            for (name, other) in others {
                match members.get_mut(name) {
                    Some(member) => add(member, other),
                    None => drop(members.insert(name.clone(), other.clone())),
                }
            }
        }
        (Json::Array(items), Json::Array(others)) => items.extend(others.iter().cloned()),
        _ => {}
    }
}

/// The document as it is served and kept: a line for each operation and each component, so
/// that a difference shows what has changed, and white space takes no room.
pub fn text(document: &Json) -> String {
    let mut out = String::new();
    lines(document, "", &mut out);
    out.push('\n');
    out
}

fn lines(value: &Json, within: &str, out: &mut String) {
    let levels = |name: &str| match (within, name) {
        ("", "paths" | "components" | "info") => Some("members"),
        ("members", _) => Some("leaves"),
        _ => None,
    };
    let Json::Object(members) = value else { return out.push_str(&value.to_string()) };
    out.push('{');
    for (at, (name, member)) in members.iter().enumerate() {
        out.push_str(if at == 0 { "\n" } else { ",\n" });
        out.push_str(&Json::from(name.as_str()).to_string());
        out.push(':');
        match levels(name) {
            Some(deeper) if member.is_object() => lines(member, deeper, out),
            _ => out.push_str(&member.to_string()),
        }
    }
    out.push_str("\n}");
}

fn root() -> Json {
    json!({"url": "/"})
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document() -> Json {
        serde_json::from_str(&crate::openapi().unwrap()).unwrap()
    }

    fn walk(value: &Json, seen: &mut impl FnMut(&Json)) {
        seen(value);
        match value {
            Json::Object(members) => members.values().for_each(|member| walk(member, seen)),
            Json::Array(items) => items.iter().for_each(|item| walk(item, seen)),
            _ => {}
        }
    }

    #[test]
    fn every_reference_leads_somewhere_and_the_document_stays_below_200_kb() {
        let document = document();
        let mut references = 0;
        walk(&document, &mut |value| {
            if let Some(reference) = value.get("$ref").and_then(Json::as_str) {
                let pointer = reference.strip_prefix('#').unwrap_or(reference);
                assert!(document.pointer(pointer).is_some(), "{reference}");
                references += 1;
            }
        });
        assert!(references > 500, "{references}");
        let length = text(&document).len();
        assert!(length < 200_000, "{length} bytes");
    }

    #[test]
    fn requests_say_what_they_need() {
        let document = document();
        let whole = |one: &Json| match one["$ref"].as_str() {
            Some(reference) => document.pointer(reference.trim_start_matches('#')).unwrap().clone(),
            None => one.clone(),
        };
        let operation = |path: &str, method: &str| document["paths"][path][method].clone();
        let login = operation("/v1/auth/login", "post")["requestBody"].clone();
        let content = &login["content"]["application/json"];
        let schema = whole(&content["schema"]);
        assert_eq!((&login["required"], &schema["required"]), (&json!(true), &json!(["email", "password"])));
        assert_eq!(schema["properties"]["password"]["maxLength"], 256);
        assert_eq!(content["example"], json!({"email": "email", "password": "password"}));

        let approve = operation("/v1/booking-requests/{booking_request_id}/approve", "post");
        assert_eq!(approve["requestBody"]["required"], false, "an approve needs no words");
        assert!(approve["requestBody"]["content"]["application/json"].get("example").is_none());
        assert_eq!(approve["security"], json!([{"bearer": ["bookings:approve"]}]));
        let parameters = approve["parameters"].as_array().unwrap();
        let parameter = |name: &str| parameters.iter().map(whole).find(|one| one["name"] == name).unwrap();
        assert_eq!(parameter("Idempotency-Key")["schema"]["maxLength"], 255);
        assert_eq!(parameter("If-Match")["in"], "header");
        assert_eq!(whole(&parameter("booking_request_id")["schema"])["format"], "uuid");

        let get = operation("/v1/booking-requests/{booking_request_id}", "get");
        assert!(
            get["responses"]["304"].is_object() && get["responses"]["200"]["headers"]["ETag"].is_object()
        );
        assert!(get.get("requestBody").is_none());
    }

    #[test]
    fn what_creates_something_says_where_it_is() {
        let document = document();
        let responses = |path: &str| document["paths"][path]["post"]["responses"].clone();
        let made = responses("/v1/booking-requests");
        assert!(made["201"]["headers"]["Location"].is_object() && made.get("200").is_none());
        // There is no path at which a role alone is read.
        let role = responses("/v1/tenants/{tenant_id}/roles");
        assert!(role["201"].is_object() && role["201"]["headers"].get("Location").is_none());
    }
}
