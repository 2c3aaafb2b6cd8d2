//! What the descriptors say of a method to whoever reads its messages or streams them.

use frontdesk_proto::{MethodContract, Rule};
use prost_reflect::MethodDescriptor;

use super::body::MAX_REST;

/// What goes in and comes out.
#[derive(Debug, Clone)]
pub struct Shape {
    /// Full names of its messages.
    pub input: String,
    pub output: String,
    /// Whether it takes several messages, and answers with several.
    pub takes_stream: bool,
    pub gives_stream: bool,
    /// Whether it changes nothing.
    pub only_reads: bool,
    /// Most bytes of a message that it takes: where anybody may call it, as over REST.
    pub most: usize,
}

/// Most bytes of a request's message, also after it is inflated, as the services have it.
const MAX_REQUEST: usize = 4 * 1024 * 1024;

impl Shape {
    pub fn of(method: &MethodDescriptor) -> Self {
        let contract = MethodContract::of(method);
        Self {
            input: method.input().full_name().to_owned(),
            output: method.output().full_name().to_owned(),
            takes_stream: method.is_client_streaming(),
            gives_stream: method.is_server_streaming(),
            only_reads: !contract.changes,
            most: if contract.rule == Some(Rule::Public) { MAX_REST } else { MAX_REQUEST },
        }
    }

    /// Whether it streams in either direction.
    pub fn streams(&self) -> bool {
        self.takes_stream || self.gives_stream
    }
}
