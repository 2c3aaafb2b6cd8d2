//! The forms of credentials and how they are checked. No database: whose they
//! are, and whether they still count, is decided elsewhere.

pub mod access_token;
pub mod api_key;
mod cbor;
pub mod challenge;
mod cose;
pub mod factor_secret;
pub mod login_buckets;
pub mod one_time_token;
pub mod passkey;
pub mod password;
pub mod password_rules;
pub mod recovery_code;
pub mod refresh_token;
pub mod relying_party;
pub mod revocation_mark;
pub mod sealed_mail;
pub mod signing_key;
pub mod totp;
pub mod trusted_issuers;
