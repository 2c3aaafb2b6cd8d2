//! What identity changes, one transaction each; its last word is the audit event.
//! What a request looks like is not known here.

pub mod api_key;
pub mod client_keys;
pub mod client_proof;
pub mod client_token;
pub mod email;
pub mod factor;
mod factor_checks;
pub mod first_owner;
mod held;
pub mod invitation;
pub mod login;
pub mod logout;
pub mod mail;
pub mod master_key;
pub mod member;
pub mod paces;
pub mod passkey;
pub mod password;
pub mod platform_scopes;
pub mod prove;
pub mod reauthenticate;
pub mod recovery;
pub mod refresh;
pub mod repeats;
pub mod role;
pub mod sessions;
pub mod signing_key;
pub mod tenant;
pub mod tenant_deletion;
pub mod user;
pub mod user_link;
pub mod view_as;
