//! Frees the memory in which passwords are hashed while none are: some 20 MiB for each core.

use std::convert::Infallible;
use std::future;
use std::time::Duration;

use boot::Background;

use crate::credential::password::Passwords;

const EVERY: Duration = Duration::from_mins(1);

/// Starts the task.
pub fn start(room: &Background, passwords: &Passwords) {
    let passwords = passwords.clone();
    room.every(EVERY, "free the memory of passwords", move || {
        passwords.free_unused();
        future::ready(Ok::<_, Infallible>(()))
    });
}
