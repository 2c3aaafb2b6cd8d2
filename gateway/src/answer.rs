//! What goes back to a caller over REST: failures, their JSON, encodings. How a
//! call is made is not known here.

pub mod encoding;
pub mod failure;
pub mod figures;
pub mod problem;
pub mod told;
