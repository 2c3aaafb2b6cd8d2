//! Results go to stdout. A reader that has gone away (`… | head -1`) ends the
//! command quietly.

use std::fmt::Display;
use std::io::{ErrorKind, Write};

use crate::Failure;

/// Prints a line.
pub fn line(text: impl Display) -> Result<(), Failure> {
    text_as_it_is(format_args!("{text}\n"))
}

/// Prints text that has its own line ends.
pub fn text_as_it_is(text: impl Display) -> Result<(), Failure> {
    let mut stdout = std::io::stdout().lock();
    match write!(stdout, "{text}").and_then(|()| stdout.flush()) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Err(Failure::quiet()),
        Err(error) => Err(Failure::new(format!("stdout cannot be written: {error}"))),
    }
}
