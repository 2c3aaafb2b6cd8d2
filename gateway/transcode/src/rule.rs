//! The rules of `google.api.http`, checked: what is wrong is said at the start,
//! not by the first request.

use http::Method;
use prost_reflect::{DescriptorPool, DynamicMessage, MethodDescriptor, Value};

use crate::bind::FieldPath;
use crate::binding::{Binding, Body};
use crate::plan::{Kind, Label, MessageId, Plans, Shape};
use crate::template::Template;

/// A binding with its template, or what is wrong with it.
type Checked = Result<(Binding, Template), String>;

/// The method's bindings.
pub fn bindings(
    pool: &DescriptorPool,
    plans: &Plans,
    method: &MethodDescriptor,
) -> Result<Vec<Checked>, String> {
    let Some(extension) = pool.get_extension_by_name("google.api.http") else {
        return Err("the descriptor set lacks google.api.http".to_owned());
    };
    let options = method.options();
    if !options.has_extension(&extension) {
        return Ok(Vec::new());
    }
    let value = options.get_extension(&extension);
    let Value::Message(rule) = &*value else { return Err("google.api.http is not a message".to_owned()) };
    let mut bindings = vec![binding(plans, method, rule)];
    for additional in additional(rule) {
        if additional_of(&additional) {
            return Err("additional_bindings inside additional_bindings".to_owned());
        }
        bindings.push(binding(plans, method, &additional));
    }
    Ok(bindings)
}

fn additional(rule: &DynamicMessage) -> Vec<DynamicMessage> {
    let list = rule.get_field_by_name("additional_bindings");
    let list = list.as_deref().and_then(Value::as_list).unwrap_or_default();
    list.iter().filter_map(Value::as_message).cloned().collect()
}

fn additional_of(rule: &DynamicMessage) -> bool {
    !additional(rule).is_empty()
}

fn binding(plans: &Plans, method: &MethodDescriptor, rule: &DynamicMessage) -> Checked {
    let (http_method, pattern) = pattern(rule)?;
    let within = |cause: String| format!("{pattern}: {cause}");
    let template = Template::parse(&pattern).map_err(within)?;
    let message = |name: &str| plans.find(name).ok_or_else(|| format!("{name} is not in the descriptor set"));
    let (input, output) = (message(method.input().full_name())?, message(method.output().full_name())?);
    let variables = template
        .variables
        .iter()
        .map(|variable| path_variable(plans, input, &variable.field_path).map_err(within))
        .collect::<Result<Vec<_>, _>>()?;
    let body = body(plans, input, &text(rule, "body"), &variables).map_err(within)?;
    if !matches!(body, Body::None) && matches!(http_method, Method::GET | Method::HEAD | Method::DELETE) {
        return Err(within(format!("a {http_method} has no body")));
    }
    let raw = matches!(body, Body::Whole { raw: true } | Body::Field { raw: true, .. });
    if method.is_client_streaming() && !(raw && method.is_server_streaming()) {
        return Err(within(
            "a client stream is called over REST only with a google.api.HttpBody as its body, and answers with a stream"
                .to_owned(),
        ));
    }
    let response_body = match text(rule, "response_body").as_str() {
        "" => None,
        name => Some(
            plans
                .message(output)
                .by_name(name, 0)
                .ok_or_else(|| within(format!("response_body: {name} is not a field of the response")))?,
        ),
    };
    let answer = answer(plans, output, response_body);
    let mask = match &body {
        Body::Field { .. } if http_method == Method::PATCH => mask(plans, input),
        _ => None,
    };
    let binding = Binding {
        method: method.clone(),
        http_method,
        template: pattern,
        grpc_path: format!("/{}/{}", method.parent_service().full_name(), method.name()),
        input,
        output,
        variables,
        body,
        mask,
        response_body,
        answer,
        etag: answer.and_then(|id| etag(plans, id)),
        raw: answer.is_some_and(|id| is_http_body(plans, id)),
        only_reads: only_reads(method),
        read_mask: None,
        created: None,
    };
    Ok((binding, template))
}

/// Whether a method's `idempotency_level` is `NO_SIDE_EFFECTS`.
fn only_reads(method: &MethodDescriptor) -> bool {
    let options = method.options();
    options.get_field_by_name("idempotency_level").and_then(|level| level.as_enum_number()) == Some(1)
}

/// The message that is sent; `None` if it is a scalar, a list or a map.
fn answer(plans: &Plans, output: MessageId, response_body: Option<usize>) -> Option<MessageId> {
    let Some(at) = response_body else { return Some(output) };
    let field = &plans.message(output).fields[at];
    if field.label == Label::One { message_of(field.kind) } else { None }
}

/// The number of the message's etag.
fn etag(plans: &Plans, id: MessageId) -> Option<u32> {
    let message = plans.message(id);
    let field = &message.fields[message.by_name("etag", 0)?];
    (field.kind == Kind::String && field.label == Label::One).then_some(field.number)
}

fn body(plans: &Plans, input: MessageId, name: &str, variables: &[FieldPath]) -> Result<Body, String> {
    match name {
        "" => Ok(Body::None),
        "*" => Ok(Body::Whole { raw: is_http_body(plans, input) }),
        name => {
            let path = FieldPath::resolve(plans, input, std::iter::once(name))
                .map_err(|_| format!("body: {name} is not a field of the request"))?;
            if variables.contains(&path) {
                return Err(format!("body: {name} is in the path as well"));
            }
            let kind = path.field(plans).filter(|field| field.label == Label::One).map(|field| field.kind);
            let raw = kind.and_then(message_of).is_some_and(|id| is_http_body(plans, id));
            Ok(Body::Field { path, raw })
        }
    }
}

fn path_variable(plans: &Plans, input: MessageId, names: &[String]) -> Result<FieldPath, String> {
    let name = names.join(".");
    let path = FieldPath::resolve(plans, input, names.iter().map(String::as_str))
        .map_err(|_| format!("{{{name}}} is not a field of the request"))?;
    match path.field(plans) {
        Some(field) if field.label != Label::One => Err(format!("{{{name}}} is repeated")),
        Some(field) if message_of(field.kind).is_some() => Err(format!("{{{name}}} is a message")),
        _ => Ok(path),
    }
}

/// The request's one field mask.
fn mask(plans: &Plans, input: MessageId) -> Option<FieldPath> {
    let is_mask = |kind| message_of(kind).is_some_and(|id| plans.message(id).shape == Shape::FieldMask);
    let mut masks = plans.message(input).fields.iter().filter(|field| is_mask(field.kind));
    let only = masks.next().filter(|field| field.label == Label::One)?;
    if masks.next().is_some() {
        return None;
    }
    FieldPath::resolve(plans, input, std::iter::once(&*only.name)).ok()
}

fn is_http_body(plans: &Plans, id: MessageId) -> bool {
    &*plans.message(id).name == "google.api.HttpBody"
}

fn message_of(kind: Kind) -> Option<MessageId> {
    match kind {
        Kind::Message(id) | Kind::Group(id) => Some(id),
        _ => None,
    }
}

fn pattern(rule: &DynamicMessage) -> Result<(Method, String), String> {
    for (field, verb) in [
        ("get", Method::GET),
        ("put", Method::PUT),
        ("post", Method::POST),
        ("delete", Method::DELETE),
        ("patch", Method::PATCH),
    ] {
        if rule.has_field_by_name(field) {
            return Ok((verb, text(rule, field)));
        }
    }
    let custom = rule.get_field_by_name("custom").filter(|_| rule.has_field_by_name("custom"));
    let Some(custom) = custom.as_deref().and_then(Value::as_message) else {
        return Err("the rule has none of get, put, post, delete, patch, custom".to_owned());
    };
    Ok((custom_method(&text(custom, "kind"))?, text(custom, "path")))
}

/// Methods compare with their case (RFC 9110, 9.1), and `*` means those that are used with
/// resources. Neither of the other two comes here: CONNECT has no path, and TRACE would show
/// to scripts what a browser keeps from them.
fn custom_method(kind: &str) -> Result<Method, String> {
    let known = Some(kind).filter(|kind| !kind.bytes().any(|byte| byte.is_ascii_lowercase()));
    match known.and_then(|kind| kind.parse().ok()) {
        None => Err(format!(
            "custom: `{kind}` is not an HTTP method; write it in capitals, or `*` for any of them"
        )),
        Some(Method::CONNECT | Method::TRACE) => Err(format!("custom: {kind} is not served")),
        Some(method) => Ok(method),
    }
}

fn text(message: &DynamicMessage, field: &str) -> String {
    let value = message.get_field_by_name(field);
    value.and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}
