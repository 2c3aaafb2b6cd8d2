//! What operator commands print: one line or one JSON object per record.

use clap::Args;
use serde_json::Value as Json;

use crate::{Failure, stderr, stdout};

/// How records are printed.
#[derive(Debug, Args)]
pub struct Output {
    /// Prints JSON.
    #[arg(long, global = true)]
    json: bool,
}

impl Output {
    /// Prints a record.
    pub fn record(&self, json: &Json, text: &str) -> Result<(), Failure> {
        if self.json { stdout::line(json) } else { stdout::line(text) }
    }
}

/// Says on stderr whether a record was made or was there already.
pub fn say_created(created: bool, thing: &str) {
    if created {
        stderr::say(format_args!("{thing} created"));
    } else {
        stderr::say(format_args!("the {thing} existed already"));
    }
}
