//! Whom identity believes: its own signing keys, other issuers, and what a
//! caller's credentials are worth.

pub mod assertions;
pub mod authority;
mod bound_tokens;
pub mod checks;
pub mod got_by;
pub mod issuer_keys;
pub mod issuers;
pub mod keyring;
pub mod master_key;
pub mod operators;
pub mod revocations;
