//! What a browser and an authenticator do with passkeys, in the place of a person.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use identity::{Policy, RelyingParty};
use serde_json::{Value as Json, json};

use crate::fixture::{Answer, Fixture};

/// The page at which passkeys are made and used.
pub const PAGE: &str = "https://desk.example";

/// One passkey.
pub struct SecurityKey {
    key: EcdsaKeyPair,
    id: Vec<u8>,
    /// Whose it is, as it says.
    pub user: Vec<u8>,
    /// The page that asks it.
    pub page: &'static str,
    /// Whether it makes sure who uses it.
    pub verifies: bool,
    /// How often it was used, as it says.
    pub count: u32,
    /// Whether it is in a backup of its user's, and counts nothing, as most passkeys.
    pub synced: bool,
}

/// A policy under which pages may use passkeys.
pub fn policy() -> Policy {
    let site = RelyingParty::of(PAGE.parse().unwrap(), None).unwrap();
    Policy { passkeys: Some(site), ..Policy::default() }
}

impl SecurityKey {
    pub fn new() -> Self {
        let mut id = vec![0; 20];
        aws_lc_rs::rand::fill(&mut id).unwrap();
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
        Self { key, id, user: Vec::new(), page: PAGE, verifies: true, count: 0, synced: false }
    }

    /// One that its user has on all devices.
    pub fn synced() -> Self {
        Self { synced: true, ..Self::new() }
    }

    /// One with the id of another.
    pub fn imitating(other: &Self) -> Self {
        Self { id: other.id.clone(), user: other.user.clone(), ..Self::new() }
    }

    /// Its id, as options have it.
    pub fn id(&self) -> String {
        URL_SAFE_NO_PAD.encode(&self.id)
    }

    /// Makes the passkey, as a challenge asks.
    pub fn make(&mut self, challenge: &Json) -> Json {
        let asked = options(challenge);
        assert!(asked["pubKeyCredParams"].as_array().unwrap().iter().any(|one| one["alg"] == -7));
        self.user = URL_SAFE_NO_PAD.decode(asked["user"]["id"].as_str().unwrap()).unwrap();
        let mut data = self.data(&asked["rp"]["id"], 0x40);
        data.extend([0; 16]);
        data.extend(u16::try_from(self.id.len()).unwrap().to_be_bytes());
        data.extend(&self.id);
        let point = self.key.public_key().as_ref();
        data.extend([0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20]);
        data.extend(&point[1..33]);
        data.extend([0x22, 0x58, 0x20]);
        data.extend(&point[33..]);
        let length = u8::try_from(data.len()).unwrap();
        let object = [&b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58"[..], &[length], &data].concat();
        let client = self.client_data("webauthn.create", &asked);
        self.credential(&json!({
            "clientDataJSON": URL_SAFE_NO_PAD.encode(client),
            "attestationObject": URL_SAFE_NO_PAD.encode(object),
            "transports": ["internal"],
        }))
    }

    /// Uses the passkey, as a challenge asks.
    pub fn answer(&mut self, challenge: &Json) -> Json {
        self.count += u32::from(!self.synced);
        let asked = options(challenge);
        let (client, data) = (self.client_data("webauthn.get", &asked), self.data(&asked["rpId"], 0));
        let signed = [&data[..], digest(&SHA256, &client).as_ref()].concat();
        let signature = self.key.sign(&SystemRandom::new(), &signed).unwrap();
        self.credential(&json!({
            "clientDataJSON": URL_SAFE_NO_PAD.encode(client),
            "authenticatorData": URL_SAFE_NO_PAD.encode(data),
            "signature": URL_SAFE_NO_PAD.encode(signature.as_ref()),
            "userHandle": URL_SAFE_NO_PAD.encode(&self.user),
        }))
    }

    fn credential(&self, response: &Json) -> Json {
        let text = json!({"id": self.id(), "rawId": self.id(), "type": "public-key", "response": response});
        json!({"credential": text.to_string()})
    }

    fn client_data(&self, kind: &str, asked: &Json) -> Vec<u8> {
        let data =
            json!({"type": kind, "challenge": asked["challenge"], "origin": self.page, "crossOrigin": false});
        data.to_string().into_bytes()
    }

    fn data(&self, site: &Json, flags: u8) -> Vec<u8> {
        let hash = digest(&SHA256, site.as_str().unwrap().as_bytes());
        let verified = if self.verifies { 0x05 } else { 0x01 };
        let backup = if self.synced { 0x18 } else { 0 };
        [hash.as_ref(), &[flags | verified | backup], &self.count.to_be_bytes()].concat()
    }
}

/// What a challenge has for the browser.
pub fn options(challenge: &Json) -> Json {
    serde_json::from_str(challenge["options"].as_str().unwrap()).unwrap()
}

impl Fixture {
    /// Enrols a passkey and returns the factor's id.
    pub async fn enrol_passkey(&self, token: &str, name: &str) -> String {
        let enrolled = self.post("/v1/auth/factors", token, &json!({"kind": "passkey", "name": name})).await;
        let enrolled = enrolled.ok();
        assert_eq!((&enrolled["secret"], &enrolled["uri"]), (&json!(""), &json!("")));
        enrolled["factor"]["id"].as_str().unwrap().to_owned()
    }

    /// A challenge for a factor.
    pub async fn challenge(&self, token: &str, factor: &str) -> Json {
        let path = format!("/v1/auth/factors/{factor}/challenge");
        self.post(&path, token, &json!({})).await.ok().clone()
    }

    /// Sends what a passkey gave for a factor.
    pub async fn prove_passkey(&self, token: &str, factor: &str, given: &Json) -> Answer {
        self.post(&format!("/v1/auth/factors/{factor}/verify"), token, given).await
    }

    /// Makes a passkey of a factor, and returns the proof.
    pub async fn make_passkey(&self, token: &str, name: &str, key: &mut SecurityKey) -> (String, Json) {
        let factor = self.enrol_passkey(token, name).await;
        let made = key.make(&self.challenge(token, &factor).await);
        let proof = self.prove_passkey(token, &factor, &made).await.ok().clone();
        (factor, proof)
    }

    /// A challenge for whoever has a passkey.
    pub async fn passkey_challenge(&self) -> Json {
        let asked = self.http.post(self.url("/v1/auth/passkeys/challenge")).json(&json!({}));
        Answer::of(asked).await.ok().clone()
    }

    /// Signs in with what a passkey gave.
    pub async fn passkey_login(&self, given: &Json) -> Answer {
        Answer::of(self.http.post(self.url("/v1/auth/passkeys/login")).json(given)).await
    }
}
