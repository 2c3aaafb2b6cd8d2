//! What a call is answered: the message, or a refusal for one of the reasons that
//! its contract has. Refusals that many operations share are written once.

use std::collections::BTreeMap;

use frontdesk_proto::{ErrorReason, MethodContract};
use http::Method;
use serde_json::{Map, Value as Json, json};
use transcode::Binding;

use super::field::Direction;
use super::schema::Schemas;
use crate::pages::comments::{comment, first_sentence, reason_comment};

/// What operations share.
#[derive(Debug, Default)]
pub struct Components {
    pub schemas: Schemas,
    pub responses: Responses,
}

/// The refusals that were asked for: status and reasons, each with its name.
#[derive(Debug, Default)]
pub struct Responses {
    names: BTreeMap<(u16, Vec<&'static str>), String>,
}

impl Responses {
    /// All of them.
    pub fn finish(self) -> Json {
        let mut all: Map<String, Json> = self
            .names
            .into_iter()
            .map(|((_, reasons), name)| {
                let description = format!("`{}`", reasons.join("`, `"));
                (name, json!({"description": description, "content": content()}))
            })
            .collect();
        let other = json!({"description": "Any other refusal; `code` says which.", "content": content()});
        all.insert("Other".to_owned(), other);
        all.into()
    }

    fn of(&mut self, status: u16, reasons: Vec<&'static str>) -> Json {
        let same = self.names.keys().filter(|(one, _)| *one == status).count();
        let name = self.names.entry((status, reasons)).or_insert_with(|| {
            if same == 0 { format!("{status}") } else { format!("{status}_{}", same + 1) }
        });
        json!({"$ref": format!("#/components/responses/{name}")})
    }
}

/// The responses of an operation.
pub fn of(binding: &Binding, contract: &MethodContract, shared: &mut Components) -> Json {
    let mut responses = Map::new();
    responses.insert("200".into(), success(binding, shared));
    if binding.http_method() == Method::GET && has_etag(binding) {
        responses
            .insert("304".into(), json!({"description": "`If-None-Match` names the version that there is."}));
    }
    let mut by_status: BTreeMap<u16, Vec<&'static str>> = BTreeMap::new();
    for reason in contract.reasons(!binding.body().is_empty()) {
        by_status.entry(reason.wire().http_status).or_default().push(reason.name());
    }
    for (status, reasons) in by_status {
        responses.insert(status.to_string(), shared.responses.of(status, reasons));
    }
    responses.insert("default".into(), json!({"$ref": "#/components/responses/Other"}));
    responses.into()
}

fn success(binding: &Binding, shared: &mut Components) -> Json {
    let method = binding.method();
    let output = method.output();
    let schema = match binding.response_body() {
        Some(field) => shared.schemas.field(&field, Direction::Out),
        None => shared.schemas.message(&output, Direction::Out),
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
    let description = first_sentence(&comment(&output.parent_file(), output.path()));
    let mut success = json!({"description": description, "content": content});
    if has_etag(binding) {
        let etag = json!({"schema": {"type": "string"}, "description": "The version of the resource, as `If-Match` takes it; weak, which it does not take, where the body is compressed."});
        success["headers"] = json!({"ETag": etag});
    }
    success
}

/// Whether what is answered has a version.
fn has_etag(binding: &Binding) -> bool {
    let shown = match binding.response_body() {
        Some(field) => field.kind().as_message().cloned(),
        None => Some(binding.method().output()),
    };
    shown.is_some_and(|shown| shown.get_field_by_name("etag").is_some())
}

fn content() -> Json {
    json!({"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}})
}

/// The body of every refusal, as `answer/problem.rs` writes it.
pub fn problem() -> Json {
    json!({
        "type": "object",
        "description": "RFC 9457.",
        "required": ["type", "title", "status", "detail", "code", "message", "grpc_status", "request_id", "metadata", "details"],
        "properties": {
            "type": {"type": "string", "format": "uri-reference", "description": "The page of the reason in the runbook.", "examples": ["/runbook/SCOPE_MISSING"]},
            "title": {"type": "string"},
            "status": {"type": "integer", "minimum": 400, "maximum": 599},
            "detail": {"type": "string", "description": "What happened, why, and what to do."},
            "code": {"type": "string", "description": codes()},
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

/// Every reason with what it means.
fn codes() -> String {
    let lines = ErrorReason::all().map(|reason| format!("- `{}`: {}", reason.name(), reason_comment(reason)));
    format!("The reason.\n\n{}", lines.collect::<Vec<_>>().join("\n"))
}
