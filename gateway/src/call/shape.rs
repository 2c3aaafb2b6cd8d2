//! What the descriptors say of a method to whoever reads its messages or streams them.

use frontdesk_proto::{MethodContract, Rule};
use prost_reflect::MethodDescriptor;

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
    /// Whether anybody may call it: what it takes is no longer than over REST then.
    pub is_public: bool,
}

impl Shape {
    pub fn of(method: &MethodDescriptor) -> Self {
        let contract = MethodContract::of(method);
        Self {
            input: method.input().full_name().to_owned(),
            output: method.output().full_name().to_owned(),
            takes_stream: method.is_client_streaming(),
            gives_stream: method.is_server_streaming(),
            only_reads: !contract.changes,
            is_public: contract.rule == Some(Rule::Public),
        }
    }

    /// Whether it streams in either direction.
    pub fn streams(&self) -> bool {
        self.takes_stream || self.gives_stream
    }
}
