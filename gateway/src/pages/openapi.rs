//! The REST surface as an OpenAPI 3.1 document, from the same descriptors that
//! route it: paths and bodies from `google.api.http`; security, refusals, headers
//! and what fields take from the options in the protos. Comments are shown to
//! people and say nothing to this code.

mod comments;
mod field;
mod operation;
mod parameters;
mod responses;
mod schema;

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};
use transcode::Transcoder;

use self::comments::comment;
use self::responses::Responses;
use self::schema::Schemas;

/// What operations share.
#[derive(Debug, Default)]
struct Components {
    schemas: Schemas,
    responses: Responses,
}

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
            "responses": responses.finish(),
            "schemas": schemas.finish(responses::problem()),
        },
    })
}

fn root() -> Json {
    json!({"url": "/"})
}
