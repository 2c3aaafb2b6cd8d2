//! Identity's rules and words, pure: facts in, verdict out. No clock, no random,
//! no I/O, no messages of the wire.

pub mod api_key;
pub mod audit;
pub mod clocks;
pub mod delivery;
pub mod email;
pub mod factor;
mod factor_letters;
pub mod field;
pub mod ids;
pub mod invitation;
pub mod language;
pub mod limits;
pub mod mail;
pub mod master_key;
pub mod one_time_token;
mod paragraphs;
pub mod proof;
pub mod revocation;
pub mod roles;
pub mod rotation;
pub mod scopes;
pub mod session;
pub mod signing_key;
pub mod tenant;
pub mod unseen;
pub mod user;
pub mod user_link;
mod words;
