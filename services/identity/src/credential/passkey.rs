//! Passkeys: what a browser sends of one, held against Web Authentication Level 3, sections
//! 7.1 (a passkey is made) and 7.2 (one is used). The numbers are those of its steps. What
//! needs the database or the clock is in `changes/passkey.rs` and `changes/prove.rs`: steps
//! 8 of 7.1 and 11 of 7.2 (the challenge is one of ours, for this, and not over), 26 (no
//! passkey has the id), 27 and 29 (it is stored), and of 7.2 the steps 5 and 6 (whose passkey
//! it is), 22 (its counter) and 24 (the counter is stored).
//!
//! Left out on purpose: any attestation counts as none (7.1, steps 21 to 24), since nobody
//! here asks what made a passkey; extensions are not asked for and not looked at (7.1 step
//! 28, 7.2 step 23); whether a passkey is in a backup decides nothing (7.1, steps 18 and 19).
//!
//! The steps are done here because every crate that does them (webauthn-rs-core 0.6,
//! `webauthn_rp` 0.3, passkey-types 0.6) brings the `rsa`, `p256` and `ed25519-dalek` of a second
//! provider of cryptography. Signatures are held against keys by aws-lc-rs (`cose.rs`), and
//! CBOR is read by minicbor, which needs no other crate (`cbor.rs`).

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::cbor::Map;
use super::cose::{ALGORITHMS, PublicKey};
use super::relying_party::RelyingParty;
use crate::domain::factor::{CHALLENGED_FOR, Passkey};
use crate::domain::ids::UserId;
use crate::domain::user::User;

/// Longest id that the standard has.
const MAX_ID: usize = 1023;
/// Most ways to an authenticator that are kept, and the longest.
const MAX_TRANSPORTS: usize = 8;
const MAX_TRANSPORT: usize = 32;
/// Longest public key that is kept: one of RS256 with 8192 bits, and some more.
const MAX_KEY: usize = 1200;

/// Bits of the flags of authenticator data.
const USER_PRESENT: u8 = 0x01;
const USER_VERIFIED: u8 = 0x04;
const BACKUP_ELIGIBLE: u8 = 0x08;
const BACKED_UP: u8 = 0x10;
const HAS_CREDENTIAL: u8 = 0x40;
const HAS_EXTENSIONS: u8 = 0x80;

/// Why a passkey is not taken.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasskeyFault {
    #[error("`credential` is not the JSON text of what PublicKeyCredential.toJSON() gives")]
    Malformed,
    #[error("it was made for something else: `type` in its client data is not {0}")]
    OfAnotherKind(&'static str),
    #[error("its page is at {0}, which is not in PASSKEY_ORIGINS")]
    OfAnotherPage(String),
    #[error("its page was within one of another origin")]
    Framed,
    #[error("it is for another site")]
    OfAnotherSite,
    #[error("nobody touched the authenticator")]
    NobodyPresent,
    #[error("the authenticator did not make sure who uses it (userVerification is required)")]
    NobodyVerified,
    #[error("its flags contradict each other")]
    Contradiction,
    #[error("its key is of none of the algorithms ES256, RS256 and EdDSA")]
    Algorithm,
    #[error("its id has no bytes, or more than 1023")]
    IdLength,
    #[error(
        "it is another one, may be in a backup where it might not before or the reverse, has answered this challenge or a later one, has a counter that is no higher than before, or has not signed this"
    )]
    Signature,
}

/// What a page sends.
#[derive(Debug)]
pub enum Given {
    Made(Made),
    Used(Used),
}

/// What a page sends when a passkey was made.
#[derive(Debug)]
pub struct Made {
    /// The challenge that it answers, as its page says; not looked at yet.
    pub challenge: String,
    pub id: Vec<u8>,
    /// In COSE.
    pub public_key: Vec<u8>,
    pub sign_count: u32,
    pub backup_eligible: bool,
    pub backed_up: bool,
    pub transports: Vec<String>,
}

/// What a page sends when a passkey was used; the signature is not looked at yet.
#[derive(Debug)]
pub struct Used {
    /// The challenge that it answers, as its page says.
    pub challenge: String,
    pub id: Vec<u8>,
    /// Whose passkey it is, as the authenticator says.
    pub user: Option<Vec<u8>>,
    pub sign_count: u32,
    pub backup_eligible: bool,
    pub backed_up: bool,
    signed: Vec<u8>,
    signature: Vec<u8>,
}

#[derive(Deserialize)]
struct Credential {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    response: Answer,
}

/// The answer of an authenticator: with an attestation object if the passkey was made.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    #[serde(rename = "clientDataJSON")]
    client_data: String,
    #[serde(default)]
    attestation_object: Option<String>,
    #[serde(default)]
    transports: Vec<String>,
    #[serde(default)]
    authenticator_data: Option<String>,
    #[serde(default)]
    signature: Option<String>,
    #[serde(default)]
    user_handle: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ClientData {
    #[serde(rename = "type")]
    kind: String,
    challenge: String,
    origin: String,
    #[serde(default)]
    cross_origin: Option<bool>,
    #[serde(default)]
    top_origin: Option<String>,
}

/// Authenticator data (section 6.1).
struct AuthenticatorData<'a> {
    flags: u8,
    sign_count: u32,
    /// What is after the fixed part.
    rest: &'a [u8],
}

impl Given {
    /// Reads what `navigator.credentials.create()` or `get()` gave.
    pub fn read(text: &str, site: &RelyingParty) -> Result<Self, PasskeyFault> {
        let Credential { id, kind, response } =
            serde_json::from_str(text).map_err(|_| PasskeyFault::Malformed)?;
        if kind != "public-key" {
            return Err(PasskeyFault::Malformed);
        }
        let (id, client_data) = (decoded(&id)?, decoded(&response.client_data)?);
        if response.attestation_object.is_some() {
            Made::read(id, &client_data, response, site).map(Self::Made)
        } else {
            Used::read(id, &client_data, &response, site).map(Self::Used)
        }
    }

    /// The challenge that it answers, as its page says; not looked at yet.
    pub fn challenge(&self) -> &str {
        match self {
            Self::Made(made) => &made.challenge,
            Self::Used(used) => &used.challenge,
        }
    }
}

impl Made {
    fn read(
        id: Vec<u8>,
        client_data: &[u8],
        response: Answer,
        site: &RelyingParty,
    ) -> Result<Self, PasskeyFault> {
        let Answer { attestation_object, transports, .. } = response;
        // 5 to 11.
        let client = ClientData::read(client_data, "webauthn.create", site)?;
        // 12 has no use without 22. 13: what is attested.
        let object = decoded(attestation_object.as_deref().ok_or(PasskeyFault::Malformed)?)?;
        let (object, after) = Map::<&str>::read(&object).ok_or(PasskeyFault::Malformed)?;
        let data = object.bytes("authData").ok_or(PasskeyFault::Malformed)?;
        // 14 to 17.
        let data = AuthenticatorData::read(data, site)?;
        if !after.is_empty() || data.flags & HAS_CREDENTIAL == 0 {
            return Err(PasskeyFault::Malformed);
        }
        let (attested, key) = attested(data.rest).ok_or(PasskeyFault::Malformed)?;
        if attested != id {
            return Err(PasskeyFault::Malformed);
        }
        // 25.
        if id.is_empty() || id.len() > MAX_ID {
            return Err(PasskeyFault::IdLength);
        }
        // 20: the algorithm is one of those that were offered.
        let (_, extensions) = PublicKey::begin(key).ok_or(PasskeyFault::Algorithm)?;
        let public_key = key[..key.len() - extensions.len()].to_vec();
        if !is_extended_as(data.flags, extensions) {
            return Err(PasskeyFault::Malformed);
        }
        if public_key.len() > MAX_KEY {
            return Err(PasskeyFault::Algorithm);
        }
        let transports = transports.into_iter().filter(|one| is_word(one)).take(MAX_TRANSPORTS).collect();
        Ok(Self {
            challenge: client.challenge,
            id,
            public_key,
            sign_count: data.sign_count,
            backup_eligible: data.flags & BACKUP_ELIGIBLE != 0,
            backed_up: data.flags & BACKED_UP != 0,
            transports,
        })
    }
}

impl Used {
    fn read(
        id: Vec<u8>,
        client_data: &[u8],
        response: &Answer,
        site: &RelyingParty,
    ) -> Result<Self, PasskeyFault> {
        let Answer { authenticator_data, signature, user_handle, .. } = response;
        // 7.
        let part = |part: &Option<String>| decoded(part.as_deref().ok_or(PasskeyFault::Malformed)?);
        let (bytes, signature) = (part(authenticator_data)?, part(signature)?);
        // 8 to 14.
        let client = ClientData::read(client_data, "webauthn.get", site)?;
        // 15 to 18.
        let data = AuthenticatorData::read(&bytes, site)?;
        let user = user_handle.as_ref().filter(|user| !user.is_empty());
        let user = user.map(|user| decoded(user)).transpose()?;
        let (sign_count, flags) = (data.sign_count, data.flags);
        // 20.
        let signed = [&bytes[..], digest(&SHA256, client_data).as_ref()].concat();
        Ok(Self {
            challenge: client.challenge,
            id,
            user,
            sign_count,
            backup_eligible: flags & BACKUP_ELIGIBLE != 0,
            backed_up: flags & BACKED_UP != 0,
            signed,
            signature,
        })
    }

    /// Step 21, and that whoever the authenticator names is its user (6), and whether the
    /// passkey can be in a backup has not changed (19). It says nothing of the counter.
    pub fn check(&self, passkey: &Passkey) -> Result<(), PasskeyFault> {
        let is_theirs = self.user.as_ref().is_none_or(|user| user.as_slice() == passkey.user.0.as_bytes());
        if !is_theirs || self.backup_eligible != passkey.backup_eligible {
            return Err(PasskeyFault::Signature);
        }
        let key = PublicKey::read(&passkey.public_key).ok_or(PasskeyFault::Algorithm)?;
        if key.has_signed(&self.signed, &self.signature) { Ok(()) } else { Err(PasskeyFault::Signature) }
    }
}

impl ClientData {
    /// Of 7.1 the steps 5 to 11, without the challenge; of 7.2 those from 8 to 14.
    fn read(bytes: &[u8], kind: &'static str, site: &RelyingParty) -> Result<Self, PasskeyFault> {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let client: Self = serde_json::from_slice(bytes).map_err(|_| PasskeyFault::Malformed)?;
        if client.kind != kind {
            return Err(PasskeyFault::OfAnotherKind(kind));
        }
        if !site.has_page(&client.origin) {
            let origin = client.origin.chars().filter(|one| !one.is_control()).take(100).collect();
            return Err(PasskeyFault::OfAnotherPage(origin));
        }
        // Nobody here expects a passkey of a page within another one.
        if client.cross_origin == Some(true) || client.top_origin.is_some() {
            return Err(PasskeyFault::Framed);
        }
        Ok(client)
    }
}

impl<'a> AuthenticatorData<'a> {
    /// Of 7.1 the steps 14 to 17, of 7.2 those from 15 to 18.
    fn read(bytes: &'a [u8], site: &RelyingParty) -> Result<Self, PasskeyFault> {
        let (hash, rest) = bytes.split_at_checked(32).ok_or(PasskeyFault::Malformed)?;
        let (flags, rest) = rest.split_first().ok_or(PasskeyFault::Malformed)?;
        let (count, rest) = rest.split_first_chunk().ok_or(PasskeyFault::Malformed)?;
        let has = |bit| flags & bit != 0;
        if !site.has_hash(hash) {
            return Err(PasskeyFault::OfAnotherSite);
        }
        if !has(USER_PRESENT) {
            return Err(PasskeyFault::NobodyPresent);
        }
        if !has(USER_VERIFIED) {
            return Err(PasskeyFault::NobodyVerified);
        }
        if has(BACKED_UP) && !has(BACKUP_ELIGIBLE) {
            return Err(PasskeyFault::Contradiction);
        }
        Ok(Self { flags: *flags, sign_count: u32::from_be_bytes(*count), rest })
    }
}

/// What `navigator.credentials.create()` takes, in the JSON of
/// `PublicKeyCredential.parseCreationOptionsFromJSON()`. The passkey is to be found without
/// its id, so that it can be used alone.
pub fn creation_options(
    site: &RelyingParty,
    service: &str,
    user: &User,
    challenge: &str,
    has: &[Passkey],
) -> Json {
    let algorithms = ALGORITHMS.map(|alg| json!({"type": "public-key", "alg": alg}));
    let name = if user.display_name.is_empty() { &user.email } else { &user.display_name };
    json!({
        "rp": {"id": site.id(), "name": service},
        "user": {"id": handle(user.id), "name": user.email, "displayName": name},
        "challenge": challenge,
        "pubKeyCredParams": algorithms,
        "timeout": CHALLENGED_FOR.as_millis(),
        "excludeCredentials": described(has),
        "authenticatorSelection": {"residentKey": "required", "requireResidentKey": true, "userVerification": "required"},
        "attestation": "none",
    })
}

/// What `navigator.credentials.get()` takes, in the JSON of
/// `PublicKeyCredential.parseRequestOptionsFromJSON()`; of whichever passkey, if none is named.
pub fn request_options(site: &RelyingParty, challenge: &str, allowed: &[Passkey]) -> Json {
    json!({
        "challenge": challenge,
        "timeout": CHALLENGED_FOR.as_millis(),
        "rpId": site.id(),
        "allowCredentials": described(allowed),
        "userVerification": "required",
    })
}

fn described(passkeys: &[Passkey]) -> Vec<Json> {
    let one = |passkey: &Passkey| {
        let id = URL_SAFE_NO_PAD.encode(&passkey.credential);
        json!({"type": "public-key", "id": id, "transports": passkey.transports})
    };
    passkeys.iter().map(one).collect()
}

/// How authenticators know a user.
fn handle(user: UserId) -> String {
    URL_SAFE_NO_PAD.encode(user.0.as_bytes())
}

fn decoded(text: &str) -> Result<Vec<u8>, PasskeyFault> {
    URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).map_err(|_| PasskeyFault::Malformed)
}

/// The id of the credential, and what begins with its key (section 6.5.2).
fn attested(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (_aaguid, rest) = bytes.split_at_checked(16)?;
    let (length, rest) = rest.split_first_chunk()?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))
}

/// Whether after a key is what the flags say: one map of extensions, or nothing.
fn is_extended_as(flags: u8, rest: &[u8]) -> bool {
    match Map::<&str>::read(rest) {
        Some((_, after)) => flags & HAS_EXTENSIONS != 0 && after.is_empty(),
        None => flags & HAS_EXTENSIONS == 0 && rest.is_empty(),
    }
}

/// Whether a way to an authenticator is one that a browser can have named.
fn is_word(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= MAX_TRANSPORT
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')
}

#[cfg(test)]
mod tests;
