//! What a call brings outside its body: path, query and headers.

use std::collections::{BTreeMap, HashMap};

use frontdesk_proto::{FieldContract, MAX_IDEMPOTENCY_KEY, MethodContract, Rule};
use http::Method;
use prost_reflect::FieldDescriptor;
use serde_json::{Map, Value as Json, json};
use transcode::Binding;

use super::example;
use super::field::Direction;
use super::field::fits_query;
use super::responses::has_etag;
use super::schema::Schemas;
use crate::pages::comments::field_comment;

/// The parameters of a binding.
pub fn of(binding: &Binding, contract: &MethodContract, schemas: &mut Schemas) -> Vec<Json> {
    let input = binding.method().input();
    let mut parameters: Vec<Json> =
        binding.variables().filter_map(|variable| of_path(binding, variable, schemas)).collect();
    if binding.body() != "*" {
        let taken: Vec<&str> = binding.variables().chain([binding.body()]).collect();
        for field in input.fields().filter(|field| !taken.contains(&field.name()) && fits_query(field)) {
            let mut parameter = json!({
                "name": field.name(), "in": "query",
                "description": field_comment(&field), "schema": schemas.field(&field, Direction::In),
            });
            if FieldContract::of(&field).limits.required {
                parameter["required"] = true.into();
                parameter["example"] = example::value(&field);
            }
            parameters.push(parameter);
        }
    }
    if let Some(name) = binding.read_mask() {
        parameters.push(json!({
            "name": name, "in": "query",
            "description": "The fields of the answer that are shown, all if it is left out: paths of names, separated by commas (AIP-161). `*` stands for each element of a list or entry of a map. The `ETag` stays that of the whole.",
            "schema": {"type": "string", "minLength": 1, "maxLength": transcode::MAX_READ_MASK}, "example": "*",
        }));
    }
    if contract.rule.as_ref().is_some_and(Rule::needs_tenant) {
        let description = "UUID of the tenant, for a user who is a member of several.";
        parameters.push(header("X-Tenant-Id", description, schemas.id_or_empty()));
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
    if binding.http_method() == Method::GET && has_etag(binding) {
        let description = "Versions that the caller has; 304 says that one of them is current.";
        parameters.push(header("If-None-Match", description, json!({"type": "string"})));
    }
    parameters
}

/// Writes the parameters once that several operations have, and refers to them there;
/// returns them by name.
pub fn share(paths: &mut BTreeMap<String, Map<String, Json>>) -> Json {
    let mut uses: HashMap<String, usize> = HashMap::new();
    for parameter in all(paths) {
        *uses.entry(parameter.to_string()).or_default() += 1;
    }
    let mut shared = Map::new();
    for parameter in all(paths) {
        if uses.get(&parameter.to_string()).is_some_and(|uses| *uses > 1) {
            let name = place(&mut shared, parameter);
            *parameter = json!({"$ref": format!("#/components/parameters/{name}")});
        }
    }
    shared.into()
}

fn all(paths: &mut BTreeMap<String, Map<String, Json>>) -> impl Iterator<Item = &mut Json> {
    let operations = paths.values_mut().flat_map(Map::values_mut);
    operations.filter_map(|operation| operation.get_mut("parameters")?.as_array_mut()).flatten()
}

/// The name under which a parameter is shared; several that are called alike differ.
fn place(shared: &mut Map<String, Json>, parameter: &Json) -> String {
    let called = parameter["name"].as_str().unwrap_or_default();
    let (mut name, mut same) = (called.to_owned(), 1);
    while shared.get(&name).is_some_and(|other| other != parameter) {
        same += 1;
        name = format!("{called}_{same}");
    }
    shared.entry(&name).or_insert_with(|| parameter.clone());
    name
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
    if schema["type"] == "string" {
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
