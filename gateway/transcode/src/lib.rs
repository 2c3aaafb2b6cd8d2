#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

mod bind;
mod binding;
mod created;
mod error;
mod escape;
pub mod grpc_web;
mod json;
mod key;
mod location;
mod mask;
mod messages;
mod near;
mod parse;
mod plan;
mod prefix;
mod read_mask;
mod render;
mod router;
mod rule;
mod scalar;
mod style;
mod template;
mod time;
mod transcoder;
mod wire;

pub use self::binding::{Binding, Takes};
pub use self::error::{InputError, OutputError, RouteError, RuleError};
pub use self::messages::{Messages, ReadMask};
pub use self::read_mask::MAX_READ_MASK;
pub use self::render::{Answer, Renderer};
pub use self::style::{Style, short_name};
pub use self::template::check as check_template;
pub use self::transcoder::{Match, Parts, Transcoder};
