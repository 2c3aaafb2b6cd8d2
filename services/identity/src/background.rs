//! What identity does beside its calls, until it is told to stop.

pub mod prune;
