//! JSON over HTTP to protobuf over gRPC and back, by descriptors alone: which
//! method a path means, which bytes a JSON body is, which JSON an answer is.
//! No I/O, no async; sockets and headers are the gateway's.

mod error;
mod json_in;
mod json_out;
mod query;
mod router;
mod scalar;
mod template;
mod tree;

use http::Method;
use prost::Message;
use prost_reflect::{
    DescriptorPool, DynamicMessage, FieldDescriptor, MessageDescriptor, MethodDescriptor, Value,
};

pub use self::error::{InputError, OutputError, RouteError, RuleError};
use self::router::{Captures, Router};
use self::template::Template;

/// Everything that is known from the descriptor set.
#[derive(Debug)]
pub struct Transcoder {
    pool: DescriptorPool,
    router: Router,
    bindings: Vec<Binding>,
}

/// One `google.api.http` binding.
#[derive(Debug)]
struct Binding {
    method: MethodDescriptor,
    grpc_path: String,
    variables: Vec<Vec<FieldDescriptor>>,
    body: Body,
    response_body: Option<FieldDescriptor>,
}

/// What the body of a request is.
#[derive(Debug, Clone)]
enum Body {
    None,
    Whole,
    Field(FieldDescriptor),
}

/// A request whose path matched.
#[derive(Debug)]
pub struct Match<'transcoder> {
    binding: &'transcoder Binding,
    captures: Captures,
}

impl Transcoder {
    /// Compiles the bindings of these services. Every annotation that cannot
    /// work is reported, with its method.
    pub fn new(pool: &DescriptorPool, services: &[&str]) -> Result<Self, Vec<RuleError>> {
        let mut transcoder = Self { pool: pool.clone(), router: Router::default(), bindings: Vec::new() };
        let mut errors = Vec::new();
        for name in services {
            let Some(service) = pool.get_service_by_name(name) else {
                errors.push(RuleError::new(*name, "the service is not in the descriptor set"));
                continue;
            };
            for method in service.methods() {
                if let Err(cause) = transcoder.add_method(&method) {
                    errors.push(RuleError::new(method.full_name(), cause));
                }
            }
        }
        if errors.is_empty() { Ok(transcoder) } else { Err(errors) }
    }

    /// The method that a request is for. `path` is as received, still encoded.
    pub fn route(&self, method: &Method, path: &str) -> Result<Match<'_>, RouteError> {
        let (index, captures) = self.router.find(method, path)?;
        Ok(Match { binding: &self.bindings[index], captures })
    }

    /// The methods that a path can be requested with, for `Allow` and CORS.
    pub fn allowed(&self, path: &str) -> Vec<Method> {
        self.router.allowed(path)
    }

    /// The details of a `google.rpc.Status` as JSON, each with its `@type`; a
    /// message that is not in the descriptor set is shown in base64.
    pub fn details(&self, details: &[prost_types::Any]) -> Vec<serde_json::Value> {
        details.iter().map(|detail| json_out::any(&self.pool, detail)).collect()
    }

    fn add_method(&mut self, method: &MethodDescriptor) -> Result<(), String> {
        let Some(extension) = self.pool.get_extension_by_name("google.api.http") else {
            return Err("the descriptor set lacks google.api.http".to_owned());
        };
        let options = method.options();
        if !options.has_extension(&extension) {
            return Ok(());
        }
        let value = options.get_extension(&extension);
        let Value::Message(rule) = &*value else { return Err("google.api.http is no message".to_owned()) };
        self.add_rule(method, rule)?;
        let Some(additional) = rule.get_field_by_name("additional_bindings") else { return Ok(()) };
        let Some(additional) = additional.as_list() else { return Ok(()) };
        for rule in additional {
            let Value::Message(rule) = rule else { continue };
            if rule
                .get_field_by_name("additional_bindings")
                .is_some_and(|more| more.as_list().is_some_and(|more| !more.is_empty()))
            {
                return Err("additional_bindings inside additional_bindings".to_owned());
            }
            self.add_rule(method, rule)?;
        }
        Ok(())
    }

    fn add_rule(&mut self, method: &MethodDescriptor, rule: &DynamicMessage) -> Result<(), String> {
        let (verb, pattern) = pattern(rule)?;
        let template = Template::parse(&pattern).map_err(|cause| format!("{pattern}: {cause}"))?;
        let variables = template
            .variables
            .iter()
            .map(|variable| {
                path_variable(method, &variable.field_path).map_err(|cause| format!("{pattern}: {cause}"))
            })
            .collect::<Result<Vec<_>, _>>()?;
        let body = match text(rule, "body").as_str() {
            "" => Body::None,
            "*" => Body::Whole,
            name => Body::Field(
                method
                    .input()
                    .get_field_by_name(name)
                    .ok_or_else(|| format!("body: {name} is no field of the request"))?,
            ),
        };
        let response_body = match text(rule, "response_body").as_str() {
            "" => None,
            name => Some(
                method
                    .output()
                    .get_field_by_name(name)
                    .ok_or_else(|| format!("response_body: {name} is no field of the response"))?,
            ),
        };
        if method.is_client_streaming() {
            return Err("a client stream cannot be called over REST".to_owned());
        }
        let binding = Binding {
            method: method.clone(),
            grpc_path: format!("/{}/{}", method.parent_service().full_name(), method.name()),
            variables,
            body,
            response_body,
        };
        self.router
            .add(&verb, &template, self.bindings.len())
            .map_err(|cause| format!("{verb} {pattern}: {cause}"))?;
        self.bindings.push(binding);
        Ok(())
    }
}

impl Match<'_> {
    /// The path of the gRPC call.
    pub fn grpc_path(&self) -> &str {
        &self.binding.grpc_path
    }

    /// Whether the request may carry a body.
    pub fn takes_body(&self) -> bool {
        !matches!(self.binding.body, Body::None)
    }

    /// The request message in wire format. Path, query and body may not set the
    /// same field to different values: whoever checks one of them must not be
    /// fooled by another.
    pub fn request(&self, query: Option<&str>, body: &[u8]) -> Result<Vec<u8>, InputError> {
        let input = self.binding.method.input();
        let mut message = match &self.binding.body {
            Body::None if body.is_empty() => DynamicMessage::new(input),
            Body::None => return Err(InputError::request("the method takes no body")),
            Body::Whole if body.is_empty() => DynamicMessage::new(input),
            Body::Whole => json_in::message(input, body)?,
            Body::Field(field) => {
                let mut message = DynamicMessage::new(input);
                if !body.is_empty() {
                    let value = json_in::field(field, body)?;
                    message.set_field(field, value);
                }
                message
            }
        };
        if let Some(query) = query.filter(|query| !query.is_empty()) {
            let reserved = match &self.binding.body {
                Body::Field(field) => Some(field),
                Body::None | Body::Whole => None,
            };
            let closed = matches!(self.binding.body, Body::Whole);
            query::bind(&mut message, query, reserved, &self.binding.variables, closed)?;
        }
        for (path, captured) in self.binding.variables.iter().zip(&self.captures.values) {
            bind_variable(&mut message, path, captured)?;
        }
        Ok(message.encode_to_vec())
    }

    /// Whether the method answers with a stream of messages.
    pub fn streams(&self) -> bool {
        self.binding.method.is_server_streaming()
    }

    /// The JSON of a response message.
    pub fn response(&self, wire: &[u8]) -> Result<Vec<u8>, OutputError> {
        self.renderer().json(wire)
    }

    /// What renders the method's response messages, to be kept while they come.
    pub fn renderer(&self) -> Renderer {
        Renderer { message: self.binding.method.output(), response_body: self.binding.response_body.clone() }
    }
}

/// Renders the response messages of one method.
#[derive(Debug, Clone)]
pub struct Renderer {
    message: MessageDescriptor,
    response_body: Option<FieldDescriptor>,
}

impl Renderer {
    /// The JSON of a response message, on one line.
    pub fn json(&self, wire: &[u8]) -> Result<Vec<u8>, OutputError> {
        let message = DynamicMessage::decode(self.message.clone(), wire).map_err(|_| OutputError)?;
        json_out::message(&message, self.response_body.as_ref())
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
    Err("the rule has none of get, put, post, delete, patch".to_owned())
}

fn text(message: &DynamicMessage, field: &str) -> String {
    let value = message.get_field_by_name(field);
    value.and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

fn path_variable(method: &MethodDescriptor, field_path: &[String]) -> Result<Vec<FieldDescriptor>, String> {
    let name = field_path.join(".");
    let mut message = Some(method.input());
    let mut fields = Vec::new();
    for part in field_path {
        let parent = message.ok_or_else(|| format!("{{{name}}} goes through a field that is no message"))?;
        let field =
            parent.get_field_by_name(part).ok_or_else(|| format!("{{{name}}} is no field of the request"))?;
        if field.is_list() || field.is_map() {
            return Err(format!("{{{name}}} is repeated"));
        }
        message = field.kind().as_message().cloned();
        fields.push(field);
    }
    if message.is_some() { Err(format!("{{{name}}} is a message")) } else { Ok(fields) }
}

fn bind_variable(
    message: &mut DynamicMessage,
    path: &[FieldDescriptor],
    text: &str,
) -> Result<(), InputError> {
    let Some((field, parents)) = path.split_last() else { return Ok(()) };
    let name = query::dotted(path);
    let value = scalar::from_text(field, text).map_err(|cause| InputError::field(&name, cause))?;
    let mut target = message;
    for parent in parents {
        let Some(next) = target.get_field_mut(parent).as_message_mut() else { return Ok(()) };
        target = next;
    }
    if target.has_field(field) && *target.get_field(field) != value {
        return Err(InputError::field(&name, "is in the path and has another value in the body"));
    }
    target.set_field(field, value);
    Ok(())
}

#[cfg(test)]
mod tests;
