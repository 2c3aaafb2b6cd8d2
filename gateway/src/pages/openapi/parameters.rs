//! What a call brings outside its body: path, query and headers.

use frontdesk_proto::{FieldContract, MAX_IDEMPOTENCY_KEY, MethodContract, Rule};
use prost_reflect::FieldDescriptor;
use serde_json::{Value as Json, json};
use transcode::Binding;

use super::comments::field_comment;
use super::field::Direction;
use super::field::fits_query;
use super::schema::Schemas;

/// The parameters of a binding.
pub fn of(binding: &Binding, contract: &MethodContract, schemas: &mut Schemas) -> Vec<Json> {
    let input = binding.method().input();
    let mut parameters: Vec<Json> =
        binding.variables().filter_map(|variable| of_path(binding, variable, schemas)).collect();
    if binding.body() != "*" {
        let taken: Vec<&str> = binding.variables().chain([binding.body()]).collect();
        for field in input.fields().filter(|field| !taken.contains(&field.name()) && fits_query(field)) {
            parameters.push(json!({
                "name": field.name(), "in": "query",
                "required": FieldContract::of(&field).limits.required,
                "description": field_comment(&field), "schema": schemas.field(&field, Direction::In),
            }));
        }
    }
    if contract.rule.as_ref().is_some_and(Rule::needs_tenant) {
        let schema = json!({"type": "string", "format": "uuid"});
        parameters.push(header("X-Tenant-Id", "The tenant, for a user who is a member of several.", schema));
    }
    if contract.idempotency_key {
        let schema = json!({"type": "string", "minLength": 1, "maxLength": MAX_IDEMPOTENCY_KEY, "pattern": "^[!-~]+$"});
        let description = "A call with the key of an earlier one gives its answer.";
        parameters.push(header("Idempotency-Key", description, schema));
    }
    for field in input.fields() {
        if let Some(name) = FieldContract::of(&field).header {
            let description = format!("Says the same as the field `{}`.", field.name());
            parameters.push(header(
                &capitalised(&name),
                &description,
                json!({"type": "string", "minLength": 1}),
            ));
        }
    }
    parameters
}

fn of_path(binding: &Binding, variable: &str, schemas: &mut Schemas) -> Option<Json> {
    let mut message = Some(binding.method().input());
    let mut field: Option<FieldDescriptor> = None;
    for part in variable.split('.') {
        field = message?.get_field_by_name(part);
        message = field.as_ref().and_then(|field| field.kind().as_message().cloned());
    }
    let field = field?;
    let mut schema = schemas.field(&field, Direction::In);
    if schema["type"] == "string" && schema.get("format").is_none() {
        schema["minLength"] = 1.into();
    }
    Some(json!({
        "name": variable, "in": "path", "required": true,
        "description": field_comment(&field), "schema": schema,
    }))
}

fn header(name: &str, description: &str, schema: Json) -> Json {
    json!({"name": name, "in": "header", "description": description, "schema": schema})
}

/// `if-match` as `If-Match`.
fn capitalised(name: &str) -> String {
    let parts = name.split('-').map(|part| {
        let (first, rest) = part.split_at(part.len().min(1));
        first.to_ascii_uppercase() + rest
    });
    parts.collect::<Vec<_>>().join("-")
}
