//! APIs whose shape is not that of our methods: what clients of others expect, and
//! what browsers need. They call identity by its own methods like everybody else.

pub mod events;
pub mod oauth;
pub mod session;
pub mod supabase;
