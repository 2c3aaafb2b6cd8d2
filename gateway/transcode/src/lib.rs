//! JSON over HTTP to protobuf over gRPC and back, by descriptors alone: which
//! method a path means, which bytes a JSON body is, which JSON an answer is.
//! No I/O, no async, no message objects; sockets and headers are the gateway's.
//!
//! ```
//! use http::Method;
//! use transcode::{Style, Transcoder};
//!
//! let pool = frontdesk_proto::descriptors();
//! let service = "frontdesk.booking.v1.BookingRequestService";
//! let transcoder = Transcoder::new(pool, &[service], Style::FRONTDESK).unwrap();
//! let found = transcoder.route(&Method::POST, "/v1/booking-requests/7/approve").unwrap();
//! assert_eq!(found.grpc_path(), "/frontdesk.booking.v1.BookingRequestService/ApproveBookingRequest");
//! let mut wire = Vec::new();
//! found.request(None, br#"{"internal_note":"ok"}"#, None, &mut wire).unwrap();
//! assert_eq!(wire, b"\x12\x02ok\x0a\x017");
//! let json = found.renderer().json(b"\x12\x017").unwrap();
//! assert!(json.starts_with(br#"{"booking_request_id":"","booking_id":"7","#));
//! ```

mod bind;
mod error;
pub mod grpc_web;
mod json;
mod mask;
mod parse;
mod plan;
mod render;
mod router;
mod rule;
mod scalar;
mod template;
mod time;
mod wire;

use std::sync::Arc;

use http::Method;
use prost_reflect::{DescriptorPool, MethodDescriptor};

use self::bind::FieldPath;
pub use self::error::{InputError, OutputError, RouteError, RuleError};
use self::plan::{MessageId, Plans};
pub use self::plan::{Style, short_name};
use self::router::{Captures, Router};

/// Everything that is known from the descriptor set.
#[derive(Debug)]
pub struct Transcoder {
    plans: Arc<Plans>,
    router: Router,
    bindings: Vec<Binding>,
}

/// One `google.api.http` binding.
#[derive(Debug)]
pub struct Binding {
    method: MethodDescriptor,
    http_method: Method,
    template: String,
    grpc_path: String,
    input: MessageId,
    output: MessageId,
    variables: Vec<FieldPath>,
    body: Body,
    /// The field that a PATCH without a mask gets one in.
    mask: Option<FieldPath>,
    response_body: Option<usize>,
    etag: Option<u32>,
    /// Whether the answer is a `google.api.HttpBody`.
    raw: bool,
}

/// What the body of a request is.
#[derive(Debug, Clone)]
enum Body {
    None,
    Whole { raw: bool },
    Field { path: FieldPath, raw: bool },
}

/// What a request may carry as its body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    /// Nothing.
    Nothing,
    /// JSON.
    Json,
    /// Anything, with its content type (`google.api.HttpBody`).
    Raw,
}

/// An answer to be sent.
#[derive(Debug, PartialEq, Eq)]
pub enum Answer {
    /// JSON.
    Json(Vec<u8>),
    /// Something else, of that content type (`google.api.HttpBody`).
    Raw(String, Vec<u8>),
}

/// A request whose path matched.
#[derive(Debug)]
pub struct Match<'transcoder> {
    plans: &'transcoder Arc<Plans>,
    binding: &'transcoder Binding,
    captures: Captures,
}

/// Renders the response messages of one method.
#[derive(Debug, Clone)]
pub struct Renderer {
    plans: Arc<Plans>,
    output: MessageId,
    response_body: Option<usize>,
    etag: Option<u32>,
    raw: bool,
}

/// Messages to JSON and back, by name.
#[derive(Debug, Clone)]
pub struct Messages {
    plans: Arc<Plans>,
}

impl Transcoder {
    /// Compiles the bindings of these services. Every annotation that cannot
    /// work is reported, with its method.
    pub fn new(pool: &DescriptorPool, services: &[&str], style: Style) -> Result<Self, Vec<RuleError>> {
        let plans = Arc::new(Plans::new(pool, style));
        let mut transcoder = Self { plans, router: Router::default(), bindings: Vec::new() };
        let mut errors = Vec::new();
        for name in services {
            let Some(service) = pool.get_service_by_name(name) else {
                errors.push(RuleError::new(*name, "the service is not in the descriptor set"));
                continue;
            };
            for method in service.methods() {
                if let Err(cause) = transcoder.add_method(pool, &method) {
                    errors.push(RuleError::new(method.full_name(), cause));
                }
            }
        }
        if errors.is_empty() { Ok(transcoder) } else { Err(errors) }
    }

    /// The method that a request is for. `path` is as received, still encoded.
    pub fn route(&self, method: &Method, path: &str) -> Result<Match<'_>, RouteError> {
        let (index, captures) = self.router.find(method, path)?;
        Ok(Match { plans: &self.plans, binding: &self.bindings[index], captures })
    }

    /// The methods that a path can be requested with, for `Allow` and CORS.
    pub fn allowed(&self, path: &str) -> Vec<Method> {
        self.router.allowed(path)
    }

    /// All bindings, in the order of the descriptors.
    pub fn bindings(&self) -> &[Binding] {
        &self.bindings
    }

    /// The details of a `google.rpc.Status` as a JSON array, each with its
    /// `@type`; a message that is not in the descriptor set is shown in base64.
    pub fn details(&self, details: &[prost_types::Any]) -> Vec<u8> {
        let mut out = vec![b'['];
        for (at, detail) in details.iter().enumerate() {
            if at > 0 {
                out.push(b',');
            }
            render::any_or_base64(&self.plans, &detail.type_url, &detail.value, &mut out);
        }
        out.push(b']');
        out
    }

    fn add_method(&mut self, pool: &DescriptorPool, method: &MethodDescriptor) -> Result<(), String> {
        for binding in rule::bindings(pool, &self.plans, method)? {
            let (binding, template) = binding?;
            self.router
                .add(&binding.http_method, &template, self.bindings.len())
                .map_err(|cause| format!("{} {}: {cause}", binding.http_method, binding.template))?;
            self.bindings.push(binding);
        }
        Ok(())
    }
}

impl Binding {
    /// The method that is called.
    pub fn method(&self) -> &MethodDescriptor {
        &self.method
    }

    /// With which HTTP method.
    pub fn http_method(&self) -> &Method {
        &self.http_method
    }

    /// The path template as in the annotation.
    pub fn template(&self) -> &str {
        &self.template
    }

    /// Proto names of the fields that the path sets, joined with dots.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        self.variables.iter().map(|path| path.name.as_str())
    }

    /// What the body sets: nothing, `*` or the name of a field.
    pub fn body(&self) -> &str {
        match &self.body {
            Body::None => "",
            Body::Whole { .. } => "*",
            Body::Field { path, .. } => &path.name,
        }
    }

    /// The field of the response that is sent, `None` for the whole.
    pub fn response_body(&self) -> Option<prost_reflect::FieldDescriptor> {
        let mut fields: Vec<_> = self.method.output().fields().collect();
        fields.sort_by_key(prost_reflect::FieldDescriptor::number);
        self.response_body.and_then(|at| fields.into_iter().nth(at))
    }
}

impl Match<'_> {
    /// The path of the gRPC call.
    pub fn grpc_path(&self) -> &str {
        &self.binding.grpc_path
    }

    /// The binding that matched.
    pub fn binding(&self) -> &Binding {
        self.binding
    }

    /// What the request may carry.
    pub fn takes(&self) -> Takes {
        match self.binding.body {
            Body::None => Takes::Nothing,
            Body::Whole { raw: true } | Body::Field { raw: true, .. } => Takes::Raw,
            Body::Whole { .. } | Body::Field { .. } => Takes::Json,
        }
    }

    /// Appends the request message in wire format. Path, query and body may not
    /// set the same field to different values: whoever checks one of them must
    /// not be fooled by another. `content_type` is that of a raw body.
    pub fn request(
        &self,
        query: Option<&str>,
        body: &[u8],
        content_type: Option<&str>,
        out: &mut Vec<u8>,
    ) -> Result<(), InputError> {
        let Binding { input, variables, body: takes, mask, .. } = self.binding;
        let (plans, start) = (&**self.plans, out.len());
        let body_path = match takes {
            Body::Field { path, .. } => Some(path),
            Body::None | Body::Whole { .. } => None,
        };
        let query = query.filter(|query| !query.is_empty());
        if let Some(query) = query {
            let closed = matches!(takes, Body::Whole { .. });
            bind::query(plans, *input, query, (variables, body_path), closed, out)?;
        }
        match takes {
            Body::None if body.is_empty() => {}
            Body::None => return Err(InputError::request("the method takes no body")),
            Body::Whole { raw: true } => bind::http_body(content_type.unwrap_or_default(), body, out),
            Body::Whole { raw: false } if body.is_empty() => {}
            Body::Whole { raw: false } => parse::message(plans, *input, body, out)?,
            Body::Field { .. } if body.is_empty() => {}
            Body::Field { path, raw } => {
                let Some(field) = path.field(plans) else { return Ok(()) };
                if *raw {
                    out.extend_from_slice(&field.tag);
                    let from = wire::open(out);
                    bind::http_body(content_type.unwrap_or_default(), body, out);
                    wire::close(out, from);
                } else {
                    parse::field(plans, field, body, out)?;
                }
            }
        }
        if let (Some(mask), Some(path)) = (mask, body_path) {
            self.put_mask(mask, path, query, body, out)?;
        }
        for (path, captured) in variables.iter().zip(&self.captures.values) {
            bind::variable(plans, path, captured, start, out)?;
        }
        Ok(())
    }

    /// A PATCH without a mask changes what its body has.
    fn put_mask(
        &self,
        mask: &FieldPath,
        body_path: &FieldPath,
        query: Option<&str>,
        body: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), InputError> {
        let plans = &**self.plans;
        let given = query.is_some_and(|query| {
            query.split('&').any(|pair| {
                let name = pair.split('=').next().unwrap_or_default();
                FieldPath::resolve(plans, self.binding.input, name.split('.')).is_ok_and(|path| path == *mask)
            })
        });
        let (Some(field), Some(body_field)) = (mask.field(plans), body_path.field(plans)) else {
            return Ok(());
        };
        let (false, plan::Kind::Message(of)) = (given, body_field.kind) else { return Ok(()) };
        let text = std::str::from_utf8(body).unwrap_or_default();
        if text.trim().is_empty() {
            return Ok(());
        }
        out.extend_from_slice(&field.tag);
        let from = wire::open(out);
        mask::put(plans, of, text, out).map_err(|error| InputError::request(error.what))?;
        wire::close(out, from);
        Ok(())
    }

    /// Whether the method answers with a stream of messages.
    pub fn streams(&self) -> bool {
        self.binding.method.is_server_streaming()
    }

    /// What renders the method's response messages, to be kept while they come.
    pub fn renderer(&self) -> Renderer {
        let Binding { output, response_body, etag, raw, .. } = self.binding;
        Renderer {
            plans: Arc::clone(self.plans),
            output: *output,
            response_body: *response_body,
            etag: *etag,
            raw: *raw,
        }
    }
}

impl Renderer {
    /// The JSON of a response message, on one line.
    pub fn json(&self, wire: &[u8]) -> Result<Vec<u8>, OutputError> {
        // Keys and defaults make JSON a few times as long as its wire.
        let mut out = Vec::with_capacity(256 + wire.len() * 3);
        match self.response_body {
            None => render::message(&self.plans, self.output, wire, &mut out)?,
            Some(field) => render::field(&self.plans, self.output, field, wire, &mut out)?,
        }
        Ok(out)
    }

    /// Whether answers are of any content type.
    pub fn is_raw(&self) -> bool {
        self.raw
    }

    /// What to send for a response message.
    pub fn answer(&self, wire: &[u8]) -> Result<Answer, OutputError> {
        if !self.raw {
            return self.json(wire).map(Answer::Json);
        }
        let wire = match self.response_body {
            None => wire,
            Some(field) => {
                let number = self.plans.message(self.output).fields[field].number;
                render::delimited(wire, number)?.unwrap_or_default()
            }
        };
        let content_type = render::delimited(wire, 1)?.unwrap_or_default();
        let content_type = std::str::from_utf8(content_type).map_err(|_| OutputError::Malformed)?.to_owned();
        Ok(Answer::Raw(content_type, render::delimited(wire, 2)?.unwrap_or_default().to_vec()))
    }

    /// The value of the answer's field `etag`, if it has one that is set.
    pub fn etag<'w>(&self, wire: &'w [u8]) -> Option<&'w str> {
        let wire = match self.response_body {
            None => wire,
            Some(field) => {
                let number = self.plans.message(self.output).fields[field].number;
                render::delimited(wire, number).ok()??
            }
        };
        let etag = render::delimited(wire, self.etag?).ok()??;
        std::str::from_utf8(etag).ok().filter(|etag| !etag.is_empty())
    }
}

impl Messages {
    /// The messages of a descriptor set.
    pub fn new(pool: &DescriptorPool, style: Style) -> Self {
        Self { plans: Arc::new(Plans::new(pool, style)) }
    }

    /// The wire of a JSON text; `None` if no message has the name.
    pub fn to_wire(&self, full_name: &str, json: &[u8]) -> Option<Result<Vec<u8>, InputError>> {
        let id = self.plans.find(full_name)?;
        let mut out = Vec::with_capacity(json.len());
        Some(parse::message(&self.plans, id, json, &mut out).map(|()| out))
    }

    /// The JSON of a message; `None` if no message has the name.
    pub fn to_json(&self, full_name: &str, wire: &[u8]) -> Option<Result<Vec<u8>, OutputError>> {
        let id = self.plans.find(full_name)?;
        let mut out = Vec::with_capacity(256 + wire.len() * 3);
        Some(render::message(&self.plans, id, wire, &mut out).map(|()| out))
    }
}

/// Whether a text is a path template of `google.api.http`; what is wrong if not.
pub fn check_template(text: &str) -> Result<(), String> {
    template::Template::parse(text).map(drop)
}

#[cfg(test)]
mod tests;
