//! One path of one method: where its request comes from and what of its answer
//! is sent. `rule` makes bindings; matching and reading are others' jobs.

use http::Method;
use prost_reflect::{FieldDescriptor, MethodDescriptor};

use crate::bind::FieldPath;
use crate::created::Created;
use crate::plan::MessageId;

/// One `google.api.http` binding.
#[derive(Debug)]
pub struct Binding {
    pub(crate) method: MethodDescriptor,
    pub(crate) http_method: Method,
    pub(crate) template: String,
    pub(crate) grpc_path: String,
    pub(crate) input: MessageId,
    pub(crate) output: MessageId,
    pub(crate) variables: Vec<FieldPath>,
    pub(crate) body: Body,
    /// The field that a PATCH without a mask gets one in.
    pub(crate) mask: Option<FieldPath>,
    pub(crate) response_body: Option<usize>,
    /// The message that is sent; `None` if it is a scalar, a list or a map.
    pub(crate) answer: Option<MessageId>,
    pub(crate) etag: Option<u32>,
    /// Whether the answer is a `google.api.HttpBody`.
    pub(crate) raw: bool,
    /// Whether the method says that it has no side effects.
    pub(crate) only_reads: bool,
    /// The query parameter that says which fields of the answer are shown.
    pub(crate) read_mask: Option<Box<str>>,
    pub(crate) created: Option<Created>,
}

/// What the body of a request is.
#[derive(Debug, Clone)]
pub(crate) enum Body {
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
    pub fn response_body(&self) -> Option<FieldDescriptor> {
        let mut fields: Vec<_> = self.method.output().fields().collect();
        fields.sort_by_key(FieldDescriptor::number);
        self.response_body.and_then(|at| fields.into_iter().nth(at))
    }

    /// The query parameter that says which fields of the answer are shown, as
    /// [`with_read_mask`](crate::Transcoder::with_read_mask) named it; `None` where there is
    /// no such choice.
    pub fn read_mask(&self) -> Option<&str> {
        self.read_mask.as_deref()
    }

    /// Whether the method creates something, as
    /// [`with_created`](crate::Transcoder::with_created) said.
    pub fn creates(&self) -> bool {
        self.created.is_some()
    }

    /// Whether what it creates can be read at a path.
    pub fn has_location(&self) -> bool {
        self.created.as_ref().is_some_and(Created::has_location)
    }

    /// What the request may carry.
    pub(crate) fn takes(&self) -> Takes {
        match self.body {
            Body::None => Takes::Nothing,
            Body::Whole { raw: true } | Body::Field { raw: true, .. } => Takes::Raw,
            Body::Whole { .. } | Body::Field { .. } => Takes::Json,
        }
    }
}
