//! Messages for people go to stderr. Whether anybody reads them changes nothing: a reader
//! that has gone away ends no command, and one that is stuck holds none up at its end.

use std::fmt::Display;
use std::io::Write;
use std::sync::mpsc;
use std::time::Duration;

/// How long the last message waits for a reader.
const PATIENCE: Duration = Duration::from_secs(2);

/// Says a line.
pub fn say(text: impl Display) {
    // There is nowhere else to say that nobody reads.
    writeln!(std::io::stderr().lock(), "{text}").unwrap_or_default();
}

/// Says what a process ends with.
pub fn last_words(text: String) {
    let (said, wait) = mpsc::channel();
    let saying = std::thread::Builder::new().spawn(move || {
        say(text);
        said.send(()).unwrap_or_default();
    });
    if saying.is_ok() {
        // Written, or not taken in time: the process ends in both cases.
        wait.recv_timeout(PATIENCE).unwrap_or_default();
    }
}
