//! What goes back to a caller over REST: failures, their JSON, what the caller takes, tags,
//! encodings, and how much of it is held at once. How a
//! call is made is not known here.

pub mod accept;
pub mod access_log;
pub mod encoding;
pub mod failure;
pub mod figures;
pub mod held;
pub mod problem;
pub mod tags;
