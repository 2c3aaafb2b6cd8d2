//! An app that shows codes of second factors (RFC 6238), and users who have one. Its codes
//! are made apart from identity's.

use std::fmt::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value as Json, json};

use crate::fixture::{Answer, Fixture};

/// An app with the secret of a factor.
pub struct App {
    pub factor: String,
    secret: Vec<u8>,
}

/// A user with a verified factor, and what the proof has given.
pub struct Protected {
    pub app: App,
    /// Tokens and recovery codes.
    pub proof: Json,
}

impl App {
    /// An app that has read what an enrolment answers.
    pub fn of(enrolled: &Json) -> Self {
        let letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        let secret = enrolled["secret"].as_str().unwrap();
        let of_letter = |letter| {
            let number = letters.find(letter).unwrap();
            (0..5).rev().map(move |bit| u8::from(number >> bit & 1 == 1))
        };
        let bits: Vec<u8> = secret.chars().flat_map(of_letter).collect();
        let secret =
            bits.chunks_exact(8).map(|byte| byte.iter().fold(0, |byte, bit| byte << 1 | bit)).collect();
        Self { factor: enrolled["factor"]["id"].as_str().unwrap().to_owned(), secret }
    }

    /// The code of now, or of so many steps later. One of now or the next step is taken
    /// also when another step begins meanwhile.
    pub fn code(&self, later: u64) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &self.secret);
        let tag = hmac::sign(&key, &(now / 30 + later).to_be_bytes());
        let hash = tag.as_ref();
        let at = usize::from(hash[19] & 15);
        let number = u32::from_be_bytes(hash[at..at + 4].try_into().unwrap()) & 0x7fff_ffff;
        format!("{:06}", number % 1_000_000)
    }

    /// A code that is wrong now and soon.
    pub fn wrong_code(&self) -> String {
        let right: Vec<String> = (0..3).map(|later| self.code(later)).collect();
        (0..9).map(|number| format!("{number:06}")).find(|code| !right.contains(code)).unwrap()
    }

    /// The secret as Postgres shows bytes.
    pub fn hex(&self) -> String {
        hex(&self.secret)
    }

    pub fn path(&self, step: &str) -> String {
        format!("/v1/auth/factors/{}{step}", self.factor)
    }
}

impl Fixture {
    pub async fn enrol(&self, token: &str, name: &str) -> App {
        App::of(self.post("/v1/auth/factors", token, &json!({"name": name})).await.ok())
    }

    pub async fn verify(&self, token: &str, app: &App, code: &str) -> Answer {
        self.post(&app.path("/verify"), token, &json!({"code": code})).await
    }

    /// Gives a demo user a verified factor.
    pub async fn protect(&self, email: &str) -> Protected {
        let token = self.token(email).await;
        let app = self.enrol(&token, "phone").await;
        let proof = self.verify(&token, &app, &app.code(0)).await.ok().clone();
        Protected { app, proof }
    }

    /// As if every proof was longer ago than a token before it is taken for a late one.
    pub async fn let_the_grace_pass(&self) {
        let earlier = "update identity.sessions set rotated_at = rotated_at - interval '11 seconds', \
            second_at = second_at - interval '11 seconds', proved_at = proved_at - interval '11 seconds'";
        self.execute(earlier, &[]).await;
    }

    /// As if codes from before were long ago.
    pub async fn forget_steps(&self) {
        self.execute("update identity.factors set last_step = -1", &[]).await;
    }
}

impl Protected {
    /// The token with two factors.
    pub fn token(&self) -> &str {
        self.proof["access"].as_str().unwrap()
    }
}

/// Bytes as Postgres shows them.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    })
}

/// What an access token says.
pub fn claims(tokens: &Json) -> Json {
    let payload = tokens["access"].as_str().unwrap().split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

/// How much it is to be believed, and by what.
pub fn assurance(tokens: &Json) -> (String, Vec<String>) {
    let claims = claims(tokens);
    let methods = claims["amr"].as_array().unwrap().iter();
    let methods = methods.map(|one| one["method"].as_str().unwrap().to_owned()).collect();
    (claims["aal"].as_str().unwrap().to_owned(), methods)
}
