//! `frontdesk token`: access tokens for scripts, over the Supabase-compatible
//! surface, so that it works against a hosted project as well.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use boot::{Form, Setting, Settings, Trimmed, Unset};
use clap::Subcommand;
use gateway::SUPABASE_ANON_KEY;
use jiff::Timestamp;
use reqwest::StatusCode;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use serde_json::{Value as Json, json};
use zeroize::Zeroizing;

use crate::http_url::HttpUrl;
use crate::settings::Source;
use crate::{Failure, stdout};

/// Exit code: e-mail and password were refused.
const REFUSED: u8 = 2;
/// Exit code: no answer, or one that cannot be read.
const NO_ANSWER: u8 = 3;
/// Exit code: the token does not pass at `/auth/v1/user`.
const NOT_VERIFIED: u8 = 4;

static SB_EMAIL: Setting = Setting {
    name: "SB_EMAIL",
    form: Form::Text,
    unset: Unset::Refused,
    example: "manager@alpine.example",
    meaning: "The e-mail address of the user who signs in.",
    secret: false,
};
static SB_PASSWORD: Setting = Setting {
    name: "SB_PASSWORD",
    form: Form::Text,
    unset: Unset::Refused,
    example: "correct horse battery staple",
    meaning: "The password of the user who signs in.",
    secret: true,
};
static SB_URL: Setting = Setting {
    name: "SB_URL",
    form: Form::Described("an http:// or https:// URL"),
    unset: Unset::Default("http://127.0.0.1:8080"),
    example: "https://api.example.com",
    meaning: "Where the Supabase-compatible surface /auth/v1 is.",
    secret: false,
};

#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Signs in and prints an access token.
    Get,
    /// Signs in and prints what the token says, not the token.
    Check,
    /// Signs in and prints the user that the server sees behind the token.
    User,
}

struct Server {
    client: reqwest::Client,
    url: String,
    key: String,
}

/// What a sign-in needs.
pub struct Environment {
    email: String,
    password: Zeroizing<String>,
    key: String,
    url: String,
}

impl Environment {
    pub fn read(settings: &mut Settings) -> Option<Self> {
        let email = settings.text(&SB_EMAIL);
        let password = settings.text(&SB_PASSWORD).map(Zeroizing::new);
        let key = settings.needed::<Trimmed>(&SUPABASE_ANON_KEY).map(|key| key.0);
        let url = settings.parsed::<HttpUrl>(&SB_URL).map(|url| url.0);
        Some(Self { email: email?, password: password?, key: key?, url: url? })
    }
}

pub async fn run(source: &Source, command: TokenCommand) -> Result<(), Failure> {
    let Environment { email, password, key, url } = source.read(Environment::read)?;
    let client = reqwest::Client::builder().timeout(Duration::from_secs(15)).build().map_err(no_answer)?;
    let server = Server { client, url, key };

    let answer = server.sign_in(&email, &password).await?;
    let token = answer["access_token"]
        .as_str()
        .filter(|token| !token.is_empty())
        .ok_or_else(|| no_answer(format!("{} answered without an access_token", server.url)))?;
    match command {
        TokenCommand::Get => stdout::line(token),
        TokenCommand::Check => stdout::line(described(token, &answer)?),
        TokenCommand::User => stdout::line(server.user(token).await?),
    }
}

impl Server {
    async fn sign_in(&self, email: &str, password: &str) -> Result<Json, Failure> {
        let answer = self
            .client
            .post(format!("{}/auth/v1/token?grant_type=password", self.url))
            .header("apikey", &self.key)
            .json(&json!({"email": email, "password": password}))
            .send()
            .await
            .map_err(|error| self.unreachable(error))?;
        let status = answer.status();
        if status.is_client_error() {
            let next = next_step(status, answer.headers());
            let sentence =
                format!("{} refused the sign-in with {status}{}; {next}", self.url, why(answer).await);
            return Err(Failure::with_code(REFUSED, sentence));
        }
        if status.is_server_error() {
            let why = why(answer).await;
            return Err(no_answer(format!(
                "{} cannot answer now: {status}{why}; try again in a moment",
                self.url
            )));
        }
        answer.json().await.map_err(|_| no_answer(format!("{} answered {status} without JSON", self.url)))
    }

    async fn user(&self, token: &str) -> Result<Json, Failure> {
        let answer = self
            .client
            .get(format!("{}/auth/v1/user", self.url))
            .header("apikey", &self.key)
            .bearer_auth(token)
            .send()
            .await
            .map_err(|error| Failure::with_code(NOT_VERIFIED, self.unreachable(error)))?;
        let status = answer.status();
        if !status.is_success() {
            let sentence = format!("{} refused the token with {status}{}", self.url, why(answer).await);
            return Err(Failure::with_code(NOT_VERIFIED, sentence));
        }
        let unreadable =
            |_| Failure::with_code(NOT_VERIFIED, format!("{} answered without a user", self.url));
        answer.json().await.map_err(unreadable)
    }

    fn unreachable(&self, error: reqwest::Error) -> Failure {
        no_answer(format!("{} cannot be reached: {}", self.url, error.without_url()))
    }
}

/// What the server says about a refusal, if it says something.
async fn why(answer: reqwest::Response) -> String {
    let body: Json = answer.json().await.unwrap_or_default();
    let said = ["msg", "message", "error_description"].iter().find_map(|name| body[*name].as_str());
    said.map(|said| format!(" ({})", said.chars().take(200).collect::<String>())).unwrap_or_default()
}

/// What to do about a refused sign-in. After too many of them the password is not looked at.
fn next_step(status: StatusCode, headers: &HeaderMap) -> String {
    if status != StatusCode::TOO_MANY_REQUESTS {
        return "check SB_EMAIL, SB_PASSWORD and SUPABASE_ANON_KEY".to_owned();
    }
    let seconds: Option<u64> = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    let when = seconds.map_or("later".to_owned(), |seconds| format!("in {seconds} s"));
    format!("too many were tried, and the password was not looked at: try again {when}")
}

/// The token's claims that matter, without the token.
fn described(token: &str, answer: &Json) -> Result<Json, Failure> {
    let claims = token.split('.').nth(1).and_then(|payload| URL_SAFE_NO_PAD.decode(payload).ok());
    let claims: Json = claims
        .and_then(|claims| serde_json::from_slice(&claims).ok())
        .ok_or_else(|| no_answer("the access_token is not a JWT"))?;
    let expires_in = claims["exp"].as_i64().map(|exp| exp - Timestamp::now().as_second());
    Ok(json!({
        "length": token.len(),
        "issuer": claims["iss"],
        "subject": claims["sub"],
        "email": claims["email"],
        "role": claims["role"],
        "expires_in": expires_in,
        "token_type": answer["token_type"],
    }))
}

fn no_answer(cause: impl ToString) -> Failure {
    Failure::with_code(NO_ANSWER, cause)
}
