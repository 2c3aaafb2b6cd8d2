//! Who may call: credentials, tokens, scopes, and the layer that holds every
//! call against the access rule in its proto. Deny by default. How users,
//! sessions and keys are stored is identity's business, reached through
//! [`Authority`].

mod admitted;
mod authority;
mod cache;
mod caller;
mod config;
mod credentials;
mod flight;
mod frame;
mod granted;
mod heard;
mod key_list;
mod keys;
mod kind;
mod layer;
mod message;
mod proof;
mod remote;
mod rules;
mod step_up;
mod token;
mod unheeded;
mod until_marked;
mod way;

pub use self::authority::{Authority, DeletedTenants, Resolution};
pub use self::caller::{Caller, Closed, Standing, TenantId, User, caller, standing};
pub use self::credentials::Credentials;
pub use self::heard::{AskedAt, Mark, Revoked};
pub use self::key_list::{KeyList, Pace};
pub use self::keys::{KeyCache, Verified};
pub use self::kind::{
    Acting, CLIENT_KIND, CLIENT_LIFETIME, Client, DELEGATED_KIND, TokenKind, VIEW_KIND, View,
};
pub use self::layer::{AccessLayer, OwnRevocations};
pub use self::proof::{Proof, SecondFactor};
pub use self::remote::RemoteIdentity;
pub use self::rules::Rules;
pub use self::step_up::two_factors_if_enrolled;
pub use self::token::{
    ActingParty, AuthenticationMethod, Claims, Issuer, Key, LEEWAY, LIFETIME, TOKEN_KIND, TokenFault,
    TokenHeader, check_token, fault, install_crypto, read_header, read_header_of,
};
pub use self::until_marked::UntilMarked;
pub use self::way::Way;
pub use frontdesk_proto::{Aal, Refusal, Rule, StepUp};
pub use upstream::Callee;
