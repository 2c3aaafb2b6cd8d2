//! The wire of identity: parse, call, convert; a file for each service of the
//! proto. What a call does is not decided here.

mod api_keys;
mod audit;
mod auth;
mod factors;
mod identity;
mod invitations;
mod kept_me;
mod me;
mod oauth;
mod revocations;
mod scopes;
mod tenants;
mod tokens;
mod users;
mod watchers;
mod wire;

pub use self::identity::Identity;
pub use self::kept_me::KeptMe;
pub use self::watchers::Watchers;
