//! The REST surface as an OpenAPI 3.1 document, from the same descriptors that
//! route it: paths and bodies from `google.api.http`; security, refusals, headers
//! and what fields take from the options in the protos. Comments are shown to
//! people and say nothing to this code.

mod field;
mod operation;
mod parameters;
mod responses;
mod schema;

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};
use transcode::Transcoder;

use self::responses::Components;
use super::comments::comment;

/// The document.
pub fn document(transcoder: &Transcoder) -> Json {
    let mut shared = Components::default();
    let mut paths: BTreeMap<String, Map<String, Json>> = BTreeMap::new();
    let mut tags: BTreeMap<String, Json> = BTreeMap::new();
    for binding in transcoder.bindings() {
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
    let Components { schemas, responses } = shared;
    let parameters = parameters::share(&mut paths);
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Frontdesk",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Identity and booking of a rental platform. Every refusal is an `application/problem+json` whose `code` is one of the reasons that the schema `Problem` explains.",
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
            "responses": responses.finish(),
            "schemas": schemas.finish(responses::problem()),
        },
    })
}

fn root() -> Json {
    json!({"url": "/"})
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document() -> Json {
        crate::openapi().unwrap()
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
    fn every_reference_leads_somewhere_and_the_document_stays_small() {
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
        let paths = document["paths"].as_object().unwrap().values();
        let operations: usize = paths.map(|path| path.as_object().unwrap().len()).sum();
        let each = document.to_string().len() / operations;
        assert!(each < 3400, "{each} bytes for each of {operations} operations");
    }

    #[test]
    fn requests_say_what_they_need() {
        let document = document();
        let operation = |path: &str, method: &str| document["paths"][path][method].clone();
        let login = operation("/v1/auth/login", "post")["requestBody"].clone();
        let schema = &login["content"]["application/json"]["schema"];
        assert_eq!((&login["required"], &schema["required"]), (&json!(true), &json!(["email", "password"])));
        assert_eq!(schema["properties"]["password"]["maxLength"], 256);

        let approve = operation("/v1/booking-requests/{booking_request_id}/approve", "post");
        assert_eq!(approve["requestBody"]["required"], false, "an approve needs no words");
        let parameters = approve["parameters"].as_array().unwrap();
        let whole = |one: &Json| match one["$ref"].as_str() {
            Some(reference) => document.pointer(reference.trim_start_matches('#')).unwrap().clone(),
            None => one.clone(),
        };
        let parameter = |name: &str| parameters.iter().map(whole).find(|one| one["name"] == name).unwrap();
        assert_eq!(parameter("Idempotency-Key")["schema"]["maxLength"], 255);
        assert_eq!(parameter("If-Match")["in"], "header");
        assert_eq!(parameter("booking_request_id")["schema"]["format"], "uuid");

        let get = operation("/v1/booking-requests/{booking_request_id}", "get");
        assert!(
            get["responses"]["304"].is_object() && get["responses"]["200"]["headers"]["ETag"].is_object()
        );
        assert!(get.get("requestBody").is_none());
    }
}
