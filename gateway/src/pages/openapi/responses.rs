//! What a call is answered: the message, or a refusal for one of the reasons that
//! its contract has. A refusal of each status is written once.

use std::collections::{BTreeMap, BTreeSet};

use frontdesk_proto::{ErrorReason, MethodContract};
use http::Method;
use serde_json::{Map, Value as Json, json};
use transcode::Binding;

use super::field::Direction;
use super::schema::{Schemas, Texts, reference};

/// What the response of any other status is called.
const OTHER: &str = "Other";

/// What operations share.
#[derive(Debug)]
pub struct Components {
    pub schemas: Schemas,
    /// Statuses of refusals that some operation has.
    statuses: BTreeSet<u16>,
    /// How many operations a method has.
    methods: BTreeMap<String, usize>,
}

impl Components {
    /// Of the paths of these methods.
    pub fn new(bindings: &[Binding], texts: Texts) -> Self {
        Self { schemas: Schemas::new(bindings, texts), statuses: BTreeSet::new(), methods: BTreeMap::new() }
    }

    /// What an operation is called.
    pub fn id(&mut self, method: &str) -> String {
        let same = self.methods.entry(method.to_owned()).or_insert(0);
        *same += 1;
        if *same == 1 { method.to_owned() } else { format!("{method}{same}") }
    }

    /// The refusals.
    pub fn responses(&self) -> Json {
        let of_status = |status: &u16| {
            let named = status.to_string();
            let description = "Refused for one of the operation's `x-reasons`, or for what was sent.";
            (named, refusal(description, *status))
        };
        let mut all: Map<String, Json> = self.statuses.iter().map(of_status).collect();
        all.insert(OTHER.to_owned(), refusal(&other(), 0));
        all.into()
    }

    fn refused(&mut self, status: u16) -> Json {
        self.statuses.insert(status);
        json!({"$ref": format!("#/components/responses/{status}")})
    }
}

/// The reasons that a call may have whatever its method is, for what it sends or who sends it.
fn other() -> String {
    let any = ErrorReason::all().filter(|reason| reason.occasions().next().is_some());
    let names: Vec<&str> = any.map(ErrorReason::name).collect();
    format!("Any other refusal, of those that calls have whatever they ask for: `{}`.", names.join("`, `"))
}

fn refusal(description: &str, status: u16) -> Json {
    let problem = json!({"application/problem+json": {"schema": reference("Problem")}});
    json!({"description": description, "headers": headers_of(status), "content": problem})
}

/// Headers of answers, for all operations.
pub fn headers() -> Json {
    let text = |description: &str| json!({"description": description, "schema": {"type": "string"}});
    let mut request_id = text("Finds the request in the log; the caller's own, if it sent one.");
    request_id["required"] = true.into();
    json!({
        "X-Request-Id": request_id,
        "ETag": text("The version of the resource, as `If-Match` takes it; weak, which it does not take, where the body is compressed."),
        "Location": text("The path of what was created."),
        "WWW-Authenticate": text("What the caller lacks (RFC 6750), and which proof (RFC 9470)."),
        "Retry-After": {"description": "Seconds until the call may be made again.", "schema": {"type": "integer", "minimum": 0}},
    })
}

/// The headers of a refusal.
fn headers_of(status: u16) -> Json {
    let mut named = vec!["X-Request-Id"];
    if matches!(status, 0 | 401) {
        named.push("WWW-Authenticate");
    }
    if !matches!(status, 401 | 403 | 404) {
        named.push("Retry-After");
    }
    refer(named)
}

fn refer(names: Vec<&str>) -> Json {
    let one = |name: &str| (name.to_owned(), json!({"$ref": format!("#/components/headers/{name}")}));
    names.into_iter().map(one).collect::<Map<_, _>>().into()
}

/// The responses of an operation: those of the reasons that its contract names, each under
/// its status, and one for all that calls may have whatever they ask for.
pub fn of(binding: &Binding, contract: &MethodContract, shared: &mut Components) -> Json {
    let mut responses = Map::new();
    let status = if binding.creates() { "201" } else { "200" };
    responses.insert(status.into(), success(binding, shared));
    if binding.http_method() == Method::GET && has_etag(binding) {
        let description = "`If-None-Match` names the version that there is.";
        responses.insert("304".into(), json!({"description": description, "headers": refer(vec!["ETag"])}));
    }
    let declared = contract.declared().iter().map(|reason| reason.wire().http_status);
    let mut statuses: BTreeSet<u16> = declared.collect();
    if !statuses.iter().any(|status| (400..500).contains(status)) {
        statuses.insert(400);
    }
    for status in statuses {
        responses.insert(status.to_string(), shared.refused(status));
    }
    responses.insert("default".into(), json!({"$ref": format!("#/components/responses/{OTHER}")}));
    responses.into()
}

fn success(binding: &Binding, shared: &mut Components) -> Json {
    let method = binding.method();
    let schema = match binding.response_body() {
        Some(field) => shared.schemas.whole(&field, Direction::Out),
        None => shared.schemas.message(&method.output(), Direction::Out),
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
    let mut named = Vec::new();
    if has_etag(binding) {
        named.push("ETag");
    }
    if binding.has_location() {
        named.push("Location");
    }
    let description = if binding.creates() { "Created." } else { "Done." };
    let mut success = json!({"description": description, "content": content});
    if !named.is_empty() {
        success["headers"] = refer(named);
    }
    success
}

/// Whether what is answered has a version.
pub fn has_etag(binding: &Binding) -> bool {
    let shown = match binding.response_body() {
        Some(field) => field.kind().as_message().cloned(),
        None => Some(binding.method().output()),
    };
    shown.is_some_and(|shown| shown.get_field_by_name("etag").is_some())
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
            "code": {"type": "string", "description": "The reason. The page at `type` says what it means and what to do; later versions have more.", "examples": ["SCOPE_MISSING"]},
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
            "details": {"type": "array", "items": {"type": "object", "required": ["@type"], "properties": {"@type": {"type": "string"}}}},
        },
    })
}
