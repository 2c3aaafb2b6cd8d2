//! The REST surface as an OpenAPI 3.1 document, from the same descriptors that
//! route it: paths and bodies from `google.api.http`, texts from the comments,
//! security from the access rules, refusals from the reasons that a comment
//! names.

mod schema;

use std::collections::BTreeMap;

use frontdesk_proto::{ErrorReason, MethodContract};
use prost_reflect::prost_types::source_code_info::Location;
use prost_reflect::{
    DynamicMessage, EnumDescriptor, FileDescriptor, MethodDescriptor, ServiceDescriptor, Value,
};
use serde_json::{Map, Value as Json, json};
use transcode::{Binding, Transcoder};

use self::schema::{Direction, Schemas};

/// Who may call a method.
enum Access {
    Public,
    Credential,
    SignedIn,
    Scoped { scopes: Vec<String>, key: bool },
}

/// The document.
pub fn document(transcoder: &Transcoder) -> Json {
    let mut schemas = Schemas::default();
    let mut paths: BTreeMap<String, Map<String, Json>> = BTreeMap::new();
    let mut tags: BTreeMap<String, Json> = BTreeMap::new();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for binding in transcoder.bindings() {
        let service = binding.method().parent_service();
        tags.entry(service.name().to_owned())
            .or_insert_with(|| json!({"name": service.name(), "description": service_comment(service)}));
        let times = seen.entry(binding.method().full_name().to_owned()).or_default();
        *times += 1;
        let operation = operation(binding, *times, &mut schemas);
        let of_path = paths.entry(path(binding.template())).or_default();
        of_path.insert(binding.http_method().as_str().to_ascii_lowercase(), operation);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Frontdesk",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Identity and booking of a rental platform. Every refusal is an `application/problem+json` whose `code` is one of the reasons below.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
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
            "schemas": schemas.finish(problem()),
        },
    })
}

fn operation(binding: &Binding, times: usize, schemas: &mut Schemas) -> Json {
    let method = binding.method();
    let comment = comment(&method.parent_file(), method.path());
    let access = access(method);
    let mut operation = Map::new();
    operation.insert("tags".into(), json!([method.parent_service().name()]));
    // One method may have several paths; the id must still be unique.
    let suffix = if times > 1 { format!("_{times}") } else { String::new() };
    operation.insert("operationId".into(), format!("{}{suffix}", method.name()).into());
    operation.insert("summary".into(), schema::first_sentence(&comment).into());
    operation.insert("description".into(), described(&comment, &access).into());
    operation.insert("security".into(), security(&access));
    let parameters = parameters(binding, &comment, &access, schemas);
    if !parameters.is_empty() {
        operation.insert("parameters".into(), parameters.into());
    }
    if let Some(body) = request_body(binding, schemas) {
        operation.insert("requestBody".into(), body);
    }
    operation.insert("responses".into(), responses(binding, schemas));
    operation.into()
}

/// `{name=shelves/*}` is `{name}` here.
fn path(template: &str) -> String {
    let mut path = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, variable)) = rest.split_once('{') {
        let (inside, after) = variable.split_once('}').unwrap_or((variable, ""));
        path.push_str(before);
        path.push('{');
        path.push_str(inside.split('=').next().unwrap_or_default());
        path.push('}');
        rest = after;
    }
    path + rest
}

fn parameters(binding: &Binding, comment: &str, access: &Access, schemas: &mut Schemas) -> Vec<Json> {
    let input = binding.method().input();
    let mut parameters = Vec::new();
    for variable in binding.variables() {
        let mut message = Some(input.clone());
        let mut field = None;
        for part in variable.split('.') {
            field = message.as_ref().and_then(|message| message.get_field_by_name(part));
            message = field.as_ref().and_then(|field| field.kind().as_message().cloned());
        }
        let Some(field) = field else { continue };
        let mut schema = schemas.field(&field, Direction::In);
        if schema["type"] == "string" {
            schema["minLength"] = 1.into();
        }
        parameters.push(json!({
            "name": variable, "in": "path", "required": true,
            "description": schema::field_comment(&field), "schema": schema,
        }));
    }
    if binding.body() != "*" {
        let taken: Vec<&str> = binding.variables().chain([binding.body()]).collect();
        for field in input.fields().filter(|field| !taken.contains(&field.name())) {
            if !schema::fits_query(&field) {
                continue;
            }
            parameters.push(json!({
                "name": field.name(), "in": "query",
                "description": schema::field_comment(&field), "schema": schemas.field(&field, Direction::In),
            }));
        }
    }
    if let Access::Scoped { scopes, .. } = access
        && !scopes.iter().all(|scope| scope.starts_with("platform:"))
    {
        parameters.push(header("X-Tenant-Id", "The tenant, for a user who is a member of several.", "uuid"));
    }
    if comment.contains("Idempotency-Key") {
        parameters.push(header(
            "Idempotency-Key",
            "A call with the key of an earlier one gives its answer.",
            "",
        ));
    }
    if input.get_field_by_name("etag").is_some() {
        parameters.push(header("If-Match", "The etag that the record must have.", ""));
    }
    parameters
}

fn header(name: &str, description: &str, format: &str) -> Json {
    let mut schema = json!({"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[!-~]+$"});
    if !format.is_empty() {
        schema = json!({"type": "string", "format": format});
    }
    json!({"name": name, "in": "header", "description": description, "schema": schema})
}

fn request_body(binding: &Binding, schemas: &mut Schemas) -> Option<Json> {
    let input = binding.method().input();
    let schema = match binding.body() {
        "" => return None,
        "*" => {
            let taken: Vec<&str> = binding.variables().collect();
            schemas.object(&input, Direction::In, |field| !taken.contains(&field.name()))
        }
        name => schemas.field(&input.get_field_by_name(name)?, Direction::In),
    };
    Some(json!({"content": {"application/json": {"schema": schema}}}))
}

fn responses(binding: &Binding, schemas: &mut Schemas) -> Json {
    let method = binding.method();
    let schema = match binding.response_body() {
        Some(field) => schemas.field(&field, Direction::Out),
        None => schemas.message(&method.output(), Direction::Out),
    };
    let content = if method.is_server_streaming() {
        json!({
            "application/x-ndjson": {"schema": schema.clone()},
            "text/event-stream": {"schema": {"type": "string"}},
            "application/json": {"schema": {"type": "array", "items": schema}},
        })
    } else {
        json!({"application/json": {"schema": schema}})
    };
    let output = method.output();
    let answer = comment(&output.parent_file(), output.path());
    let mut responses = Map::new();
    responses
        .insert("200".into(), json!({"description": schema::first_sentence(&answer), "content": content}));
    let mut by_status: BTreeMap<u16, Vec<ErrorReason>> = BTreeMap::new();
    for reason in MethodContract::of(method).reasons(!binding.body().is_empty()) {
        let of_status = by_status.entry(reason.wire().http_status).or_default();
        if !of_status.contains(&reason) {
            of_status.push(reason);
        }
    }
    let problem = json!({"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}});
    for (status, reasons) in by_status {
        let lines: Vec<String> = reasons
            .iter()
            .map(|reason| format!("- `{}`: {}", reason.name(), reason_comment(*reason)))
            .collect();
        responses
            .insert(status.to_string(), json!({"description": lines.join("\n"), "content": problem.clone()}));
    }
    responses.insert(
        "default".into(),
        json!({"description": "Any other refusal; `code` says which.", "content": problem}),
    );
    responses.into()
}

/// The body of every refusal, as `problem.rs` writes it.
fn problem() -> Json {
    let codes: Vec<&str> = reasons().into_iter().map(ErrorReason::name).collect();
    json!({
        "type": "object",
        "description": "RFC 9457.",
        "required": ["type", "title", "status", "detail", "code", "message", "grpc_status", "request_id", "metadata", "details"],
        "properties": {
            "type": {"type": "string", "examples": ["urn:frontdesk:error:SCOPE_MISSING"]},
            "title": {"type": "string"},
            "status": {"type": "integer", "minimum": 400, "maximum": 599},
            "detail": {"type": "string", "description": "What happened, why, and what to do."},
            "code": {"type": "string", "description": format!("The reason: one of {}.", codes.join(", "))},
            "message": {"type": "string", "description": "Same as `detail`."},
            "grpc_status": {"type": "integer", "minimum": 1, "maximum": 16},
            "request_id": {"type": "string", "description": "Finds the request in the log."},
            "conflict_type": {"type": "string"},
            "metadata": {"type": "object", "additionalProperties": {"type": "string"}},
            "violations": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["field", "description"],
                    "properties": {"field": {"type": "string"}, "description": {"type": "string"}},
                },
            },
            "details": {"type": "array", "items": {"type": "object", "required": ["@type"]}},
        },
    })
}

fn security(access: &Access) -> Json {
    match access {
        Access::Public => json!([]),
        Access::Credential => json!([{"bearer": []}, {"api_key": []}]),
        Access::SignedIn => json!([{"bearer": []}]),
        Access::Scoped { key: true, .. } => json!([{"bearer": [], "api_key": []}]),
        Access::Scoped { key: false, .. } => json!([{"bearer": []}]),
    }
}

fn described(comment: &str, access: &Access) -> String {
    match access {
        Access::Scoped { scopes, key } => {
            let key = if *key { " and an API key of the tenant" } else { "" };
            format!("{comment}\n\nNeeds the scope `{}`{key}.", scopes.join("`, `"))
        }
        Access::SignedIn => format!("{comment}\n\nNeeds a user's access token."),
        Access::Credential => format!("{comment}\n\nNeeds an access token or an API key."),
        Access::Public => comment.to_owned(),
    }
}

fn access(method: &MethodDescriptor) -> Access {
    let extension = method.parent_pool().get_extension_by_name("frontdesk.access.v1.access");
    let options = method.options();
    let rule = extension.map(|extension| options.get_extension(&extension).into_owned());
    let Some(Value::Message(rule)) = rule else { return Access::SignedIn };
    if rule.has_field_by_name("public") {
        return Access::Public;
    }
    if rule.has_field_by_name("any_credential") {
        return Access::Credential;
    }
    let scoped = rule.get_field_by_name("scoped").filter(|_| rule.has_field_by_name("scoped"));
    match scoped.as_deref() {
        Some(Value::Message(scoped)) => Access::Scoped {
            scopes: texts(scoped, "scopes"),
            key: scoped.get_field_by_name("api_key").and_then(|key| key.as_enum_number()) == Some(2),
        },
        _ => Access::SignedIn,
    }
}

fn texts(message: &DynamicMessage, name: &str) -> Vec<String> {
    let list = message.get_field_by_name(name);
    let list = list.as_deref().and_then(Value::as_list).unwrap_or_default();
    list.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn reasons() -> Vec<ErrorReason> {
    let numbers = reason_descriptor().map(|of| of.values().map(|value| value.number()).collect::<Vec<_>>());
    numbers.into_iter().flatten().skip(1).filter_map(|number| ErrorReason::try_from(number).ok()).collect()
}

fn reason_comment(reason: ErrorReason) -> String {
    let Some(descriptor) = reason_descriptor() else { return String::new() };
    let value = descriptor.get_value(reason as i32);
    value.map(|value| comment(&descriptor.parent_file(), value.path())).unwrap_or_default()
}

fn reason_descriptor() -> Option<EnumDescriptor> {
    frontdesk_proto::descriptors().get_enum_by_name("frontdesk.error.v1.ErrorReason")
}

fn service_comment(service: &ServiceDescriptor) -> String {
    comment(&service.parent_file(), service.path())
}

/// The comment before something, with its paragraphs.
fn comment(file: &FileDescriptor, path: &[i32]) -> String {
    let proto = file.file_descriptor_proto();
    let locations = proto.source_code_info.as_ref().map(|info| info.location.as_slice()).unwrap_or_default();
    let found = locations.iter().find(|location| location.path == path);
    let text = found.map(Location::leading_comments).unwrap_or_default();
    let paragraphs: Vec<String> = text
        .split("\n\n")
        .flat_map(|part| part.split("\n \n"))
        .map(|part| part.split_whitespace().collect::<Vec<_>>().join(" "))
        .filter(|part| !part.is_empty())
        .collect();
    paragraphs.join("\n\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_become_paths() {
        assert_eq!(path("/v1/{name=shelves/*}/books/{id}:move"), "/v1/{name}/books/{id}:move");
        assert_eq!(path("/v1/x"), "/v1/x");
    }
}
