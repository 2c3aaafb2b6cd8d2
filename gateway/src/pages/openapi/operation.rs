//! One method at one path: what it is called, who may call it, what it takes.

use frontdesk_proto::{Aal, FieldContract, MethodContract, Rule, StepUp};
use prost_reflect::FieldDescriptor;
use serde_json::{Map, Value as Json, json};
use transcode::Binding;

use super::field::Direction;
use super::responses::Components;
use super::schema::Texts;
use super::{parameters, responses};
use crate::pages::comments::comment;

/// The operation of a binding.
pub fn of(binding: &Binding, shared: &mut Components) -> Json {
    let method = binding.method();
    let contract = MethodContract::of(method);
    let comment = comment(&method.parent_file(), method.path());
    let mut operation = Map::new();
    operation.insert("tags".into(), json!([method.parent_service().name()]));
    // One method at several paths is several operations.
    let id = shared.id(method.name());
    operation.insert("operationId".into(), id.into());
    let (summary, rest) = split(&comment);
    operation.insert("summary".into(), summary.into());
    // What makes clients need not say why each call is refused.
    let rest = match shared.schemas.texts() {
        Texts::All => rest,
        Texts::OfRequests if comment[summary.len()..].starts_with(".\n\n") => "",
        Texts::OfRequests => rest.split("\n\n").next().unwrap_or_default(),
    };
    if !rest.is_empty() {
        operation.insert("description".into(), rest.into());
    }
    operation.insert("security".into(), security(contract.rule.as_ref()));
    proofs(&contract, &mut operation);
    let parameters = parameters::of(binding, &contract, &mut shared.schemas);
    if !parameters.is_empty() {
        operation.insert("parameters".into(), parameters.into());
    }
    if let Some(body) = request_body(binding, &contract, shared) {
        operation.insert("requestBody".into(), body);
    }
    let reasons: Vec<&str> = contract.declared().iter().map(|reason| reason.name()).collect();
    if !reasons.is_empty() {
        operation.insert("x-reasons".into(), reasons.into());
    }
    operation.insert("responses".into(), responses::of(binding, &contract, shared));
    operation.into()
}

/// `{name=shelves/*}` is `{name}` here.
pub fn path(template: &str) -> String {
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

/// A comment's first sentence, and what follows.
fn split(comment: &str) -> (&str, &str) {
    let first = comment.split("\n\n").next().unwrap_or_default();
    let end = first.find(". ").map_or(first.len(), |end| end + 1);
    (first[..end].trim_end_matches('.'), comment[end..].trim_start())
}

fn request_body(binding: &Binding, contract: &MethodContract, shared: &mut Components) -> Option<Json> {
    let input = binding.method().input();
    if !contract.body_types.is_empty() {
        let text = json!({"schema": {"type": "string", "minLength": 1, "description": comment(&input.parent_file(), input.path())}});
        let content = contract.body_types.iter().map(|name| (name.clone(), text.clone()));
        return Some(json!({"required": true, "content": content.collect::<Map<_, _>>()}));
    }
    let (content, required) = match binding.body() {
        "" => return None,
        "*" => {
            let taken: Vec<&str> = binding.variables().collect();
            let wanted = |field: &FieldDescriptor| !taken.contains(&field.name());
            let content = shared.schemas.body(&input, wanted);
            let mut fields = input.fields().filter(wanted);
            (content, fields.any(|field| FieldContract::of(&field).limits.required))
        }
        name => {
            let field = input.get_field_by_name(name)?;
            (json!({"schema": shared.schemas.whole(&field, Direction::In)}), true)
        }
    };
    Some(json!({"required": required, "content": {"application/json": content}}))
}

/// A method without a rule does not start, so that none can be shown. A scope is what
/// OpenAPI 3.1 calls a role that the scheme needs.
fn security(rule: Option<&Rule>) -> Json {
    match rule {
        None | Some(Rule::Public) => json!([]),
        Some(Rule::AnyCredential) => json!([{"bearer": []}, {"api_key": []}]),
        Some(Rule::SignedIn) => json!([{"bearer": []}]),
        Some(Rule::Scoped { scopes, api_key_required: true }) => json!([{"bearer": scopes, "api_key": []}]),
        Some(Rule::Scoped { scopes, api_key_required: false }) => json!([{"bearer": scopes}]),
    }
}

/// What the user of the call must have proved: how many factors, and how many seconds ago at
/// most.
fn proofs(contract: &MethodContract, operation: &mut Map<String, Json>) {
    let StepUp { fresh, aal } = contract.step_up;
    let factors = match aal {
        Aal::Unspecified | Aal::Aal1 => None,
        Aal::IfEnrolled => Some("aal2 if enrolled"),
        Aal::Aal2 => Some("aal2"),
    };
    if let Some(factors) = factors {
        operation.insert("x-aal".into(), factors.into());
    }
    if let Some(fresh) = fresh {
        operation.insert("x-fresh".into(), fresh.as_secs().into());
    }
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
