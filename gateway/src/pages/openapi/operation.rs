//! One method at one path: what it is called, who may call it, what it takes.

use frontdesk_proto::{Aal, MethodContract, Rule, StepUp};
use serde_json::{Map, Value as Json, json};
use transcode::Binding;

use super::field::Direction;
use super::responses::Components;
use super::{parameters, responses};
use crate::pages::comments::{comment, first_sentence};

/// The operation of a binding.
pub fn of(binding: &Binding, shared: &mut Components) -> Json {
    let method = binding.method();
    let contract = MethodContract::of(method);
    let comment = comment(&method.parent_file(), method.path());
    let mut operation = Map::new();
    operation.insert("tags".into(), json!([method.parent_service().name()]));
    operation.insert("operationId".into(), method.name().into());
    operation.insert("summary".into(), first_sentence(&comment).into());
    operation.insert("description".into(), described(&comment, &contract).into());
    operation.insert("security".into(), security(contract.rule.as_ref()));
    let parameters = parameters::of(binding, &contract, &mut shared.schemas);
    if !parameters.is_empty() {
        operation.insert("parameters".into(), parameters.into());
    }
    if let Some(body) = request_body(binding, &contract, shared) {
        operation.insert("requestBody".into(), body);
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

fn request_body(binding: &Binding, contract: &MethodContract, shared: &mut Components) -> Option<Json> {
    let input = binding.method().input();
    if !contract.body_types.is_empty() {
        let text =
            json!({"schema": {"type": "string", "description": comment(&input.parent_file(), input.path())}});
        let content = contract.body_types.iter().map(|name| (name.clone(), text.clone()));
        return Some(json!({"required": true, "content": content.collect::<Map<_, _>>()}));
    }
    let schema = match binding.body() {
        "" => return None,
        "*" => {
            let taken: Vec<&str> = binding.variables().collect();
            shared.schemas.object(&input, Direction::In, |field| !taken.contains(&field.name()))
        }
        name => shared.schemas.field(&input.get_field_by_name(name)?, Direction::In),
    };
    let required = schema.get("required").is_some() || binding.body() != "*";
    Some(json!({"required": required, "content": {"application/json": {"schema": schema}}}))
}

/// A method without a rule does not start, so that none can be shown.
fn security(rule: Option<&Rule>) -> Json {
    match rule {
        None | Some(Rule::Public) => json!([]),
        Some(Rule::AnyCredential) => json!([{"bearer": []}, {"api_key": []}]),
        Some(Rule::SignedIn) => json!([{"bearer": []}]),
        Some(Rule::Scoped { api_key_required: true, .. }) => json!([{"bearer": [], "api_key": []}]),
        Some(Rule::Scoped { api_key_required: false, .. }) => json!([{"bearer": []}]),
    }
}

fn described(comment: &str, contract: &MethodContract) -> String {
    let StepUp { fresh, aal } = contract.step_up;
    let factors = match aal {
        Aal::Unspecified | Aal::Aal1 => "",
        Aal::IfEnrolled => " Whoever has a second factor needs a token with `aal2`.",
        Aal::Aal2 => " It needs a token with `aal2`.",
    };
    let lately = fresh.map(|fresh| {
        let minutes = fresh.as_secs().div_ceil(60);
        format!(" Its user has proved within {minutes} minutes to be that user.")
    });
    allowed(comment, contract.rule.as_ref()) + factors + &lately.unwrap_or_default()
}

fn allowed(comment: &str, rule: Option<&Rule>) -> String {
    match rule {
        Some(Rule::Scoped { scopes, api_key_required }) => {
            let key = if *api_key_required { " and an API key of the tenant" } else { "" };
            format!("{comment}\n\nNeeds the scope `{}`{key}.", scopes.join("`, `"))
        }
        Some(Rule::SignedIn) => format!("{comment}\n\nNeeds a user's access token."),
        Some(Rule::AnyCredential) => format!("{comment}\n\nNeeds an access token or an API key."),
        None | Some(Rule::Public) => comment.to_owned(),
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
