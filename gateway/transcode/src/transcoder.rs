//! From a request to the gRPC call that it means: the route, then the message
//! from path, query and body. Sending it is the caller's job.

use std::sync::Arc;

use http::Method;
use prost_reflect::{DescriptorPool, MethodDescriptor};

use crate::bind::{self, FieldPath, Others};
use crate::binding::{Binding, Body, Takes};
use crate::error::{InputError, RouteError, RuleError};
use crate::messages::Messages;
use crate::plan::{Kind, Plans};
use crate::render::{self, Renderer};
use crate::router::{Captures, Router};
use crate::style::Style;
use crate::template::Template;
use crate::{location, mask, parse, read_mask, rule, wire};

/// Everything that is known from the descriptor set.
#[derive(Debug)]
pub struct Transcoder {
    plans: Arc<Plans>,
    router: Router,
    bindings: Vec<Binding>,
}

/// What makes messages of the parts of a body that comes as a stream of them.
#[derive(Debug)]
pub struct Parts {
    /// The tag of the field that the body sets; empty when it is the whole request.
    tag: Box<[u8]>,
}

/// A request whose path matched.
#[derive(Debug)]
pub struct Match<'transcoder> {
    plans: &'transcoder Arc<Plans>,
    router: &'transcoder Router,
    binding: &'transcoder Binding,
    captures: Captures,
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

    /// Makes paths that begin with `alias` mean those that begin with `prefix`.
    /// Bindings that could not be reached any more are errors.
    pub fn with_alias(mut self, alias: &str, prefix: &str) -> Result<Self, Vec<RuleError>> {
        self.router.alias(alias, prefix).map_err(|cause| vec![RuleError::new(alias, cause)])?;
        let hidden = self.bindings.iter().filter(|binding| self.router.is_hidden(binding.template()));
        let errors: Vec<RuleError> = hidden
            .map(|binding| {
                let cause = format!("{}: {alias} is an alias of {prefix}", binding.template());
                RuleError::new(binding.method().full_name(), cause)
            })
            .collect();
        if errors.is_empty() { Ok(self) } else { Err(errors) }
    }

    /// Lets a query parameter of this name say which fields of an answer are shown, as
    /// [`Match::renderer_for`] reads it: of every GET that does not answer with bytes
    /// (`google.api.HttpBody`). A request that has a field of this name is an error.
    pub fn with_read_mask(mut self, name: &str) -> Result<Self, Vec<RuleError>> {
        let mut errors = Vec::new();
        for binding in &mut self.bindings {
            if binding.http_method != Method::GET || binding.raw {
                continue;
            }
            if self.plans.message(binding.input).by_name(name, 0).is_some() {
                let cause =
                    format!("{}: `{name}` is a field and the read mask's parameter", binding.template);
                errors.push(RuleError::new(binding.method.full_name(), cause));
            }
            binding.read_mask = Some(name.into());
        }
        if errors.is_empty() { Ok(self) } else { Err(errors) }
    }

    /// Says which methods create something: `created` names the field of the response that
    /// has it, which is a message. Such a call is answered with 201, and with the path at
    /// which [`Match::location`] finds what was created.
    pub fn with_created(
        mut self,
        created: impl Fn(&MethodDescriptor) -> Option<String>,
    ) -> Result<Self, Vec<RuleError>> {
        let mut errors = Vec::new();
        for at in 0..self.bindings.len() {
            let binding = &self.bindings[at];
            let Some(name) = created(&binding.method) else { continue };
            match location::created(&self.plans, binding, &name, &self.bindings) {
                Ok(created) => self.bindings[at].created = Some(created),
                Err(cause) => errors.push(RuleError::new(binding.method.full_name(), cause)),
            }
        }
        if errors.is_empty() { Ok(self) } else { Err(errors) }
    }

    /// Names paths that are answered without a method, to whoever asks for one like them.
    /// One that is no template is not named.
    #[must_use]
    pub fn beside(mut self, paths: &[(Method, &str)]) -> Self {
        for (method, path) in paths {
            if let Ok(template) = Template::parse(path) {
                self.router.name(method, path, &template);
            }
        }
        self
    }

    /// The paths that are nearest to one that no method has, if any is near, with their
    /// methods.
    pub fn near(&self, path: &str) -> Vec<(&[Method], String)> {
        self.router.near(path)
    }

    /// The method that a request is for. `path` is as received, still encoded.
    pub fn route(&self, method: &Method, path: &str) -> Result<Match<'_>, RouteError> {
        let (index, captures) = self.router.find(method, path)?;
        Ok(Match { plans: &self.plans, router: &self.router, binding: &self.bindings[index], captures })
    }

    /// The methods that a path can be requested with, for `Allow` and CORS.
    pub fn allowed(&self, path: &str) -> Vec<Method> {
        self.router.allowed(path)
    }

    /// All bindings, in the order of the descriptors.
    pub fn bindings(&self) -> &[Binding] {
        &self.bindings
    }

    /// The messages of the descriptor set, by name.
    pub fn messages(&self) -> Messages {
        Messages::of(Arc::clone(&self.plans))
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
            self.router.name(&binding.http_method, &binding.template, &template);
            self.bindings.push(binding);
        }
        Ok(())
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

    /// Whether its method says that it changes nothing.
    pub fn only_reads(&self) -> bool {
        self.binding.only_reads
    }

    /// What the request may carry.
    pub fn takes(&self) -> Takes {
        self.binding.takes()
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
            let body_is_rest = matches!(takes, Body::Whole { .. });
            let read_mask = self.binding.read_mask();
            let others = Others { variables, body: body_path, body_is_rest, read_mask };
            bind::query(plans, *input, query, others, out)?;
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
                let name = bind::decode(pair.split('=').next().unwrap_or_default()).unwrap_or_default();
                FieldPath::resolve(plans, self.binding.input, name.split('.')).is_ok_and(|path| path == *mask)
            })
        });
        let (Some(field), Some(body_field)) = (mask.field(plans), body_path.field(plans)) else {
            return Ok(());
        };
        let (false, Kind::Message(of)) = (given, body_field.kind) else { return Ok(()) };
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

    /// For a method that takes a stream of messages: what makes those after the first,
    /// which [`request`](Self::request) makes.
    pub fn parts(&self) -> Option<Parts> {
        if !self.binding.method.is_client_streaming() {
            return None;
        }
        let tag = match &self.binding.body {
            Body::Field { path, .. } => path.field(self.plans).map(|field| field.tag.clone()),
            Body::None | Body::Whole { .. } => None,
        };
        Some(Parts { tag: tag.unwrap_or_default() })
    }

    /// The path of what the answer says was created, for `Location`: that of a GET which
    /// answers with the same message and whose variables are known, each as the request's
    /// variable of that name, as the resource's field of that name, or as its `id` where the
    /// variable is called after it (`book_id` of a `Book`). It begins as `path`, the
    /// request's, with an alias or without. `None` where nothing was created or nothing
    /// reads it.
    pub fn location(&self, path: &str, wire: &[u8]) -> Option<String> {
        let location = self.binding.created.as_ref()?.location(&self.captures.values, wire)?;
        Some(self.router.prefixes.written_like(path, &location))
    }

    /// Whether the method answers with a stream of messages.
    pub fn streams(&self) -> bool {
        self.binding.method.is_server_streaming()
    }

    /// What renders the method's response messages, to be kept while they come.
    pub fn renderer(&self) -> Renderer {
        Renderer::new(Arc::clone(self.plans), self.binding)
    }

    /// The same for what the query asks to be shown; all if it does not say. A mask that
    /// names what the answer does not have is refused, before anything is called.
    ///
    /// Paths begin at what is sent, which is the response message or its `response_body`.
    /// They have the names of the proto file or those in lowerCamelCase, go through lists
    /// as if there was one element, and through maps by a key; `*` stands for each element
    /// or entry, and at the end of a path for all fields.
    pub fn renderer_for(&self, query: Option<&str>) -> Result<Renderer, InputError> {
        let renderer = self.renderer();
        let (Some(name), Some(query)) = (self.binding.read_mask(), query) else { return Ok(renderer) };
        let Some(text) = bind::parameter(query, name)? else { return Ok(renderer) };
        let part = read_mask::parse(self.plans, renderer.value(), &text)
            .map_err(|what| InputError::field(name, what))?;
        Ok(renderer.only(part))
    }
}

impl Parts {
    /// Appends the message of a part.
    pub fn message(&self, part: &[u8], out: &mut Vec<u8>) {
        if self.tag.is_empty() {
            bind::http_body("", part, out);
        } else {
            out.extend_from_slice(&self.tag);
            let from = wire::open(out);
            bind::http_body("", part, out);
            wire::close(out, from);
        }
    }
}
