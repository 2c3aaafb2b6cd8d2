//! `frontdesk token`: access tokens for scripts.

use std::time::Duration;

use clap::Subcommand;
use serde::Deserialize;
use serde_json::json;

use crate::Failure;

/// Exit code: a variable is missing.
const MISSING_VARIABLE: u8 = 1;
/// Exit code: e-mail and password were refused.
const REFUSED: u8 = 2;
/// Exit code: no answer, or one that cannot be read.
const NO_ANSWER: u8 = 3;

#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Signs in and prints an access token.
    ///
    /// Reads `SB_EMAIL`, `SB_PASSWORD`, `SUPABASE_ANON_KEY` and `SB_URL` (default
    /// <http://127.0.0.1:8080>). Exit codes: 0 token printed, 1 a variable is
    /// missing, 2 sign-in refused, 3 no answer or one that cannot be read.
    Get,
}

#[derive(Deserialize)]
struct LoginAnswer {
    access: String,
}

pub async fn run(command: TokenCommand) -> Result<(), Failure> {
    match command {
        TokenCommand::Get => println!("{}", get().await?),
    }
    Ok(())
}

async fn get() -> Result<String, Failure> {
    let mut settings = boot::Settings::new();
    let email: Option<String> = settings.required("SB_EMAIL", "the user's e-mail address");
    let password: Option<String> = settings.required("SB_PASSWORD", "the user's password");
    let key: Option<String> = settings.required("SUPABASE_ANON_KEY", "the project's publishable key");
    let url = settings.or("SB_URL", "http://127.0.0.1:8080".to_owned());
    let all = || Some((email?, password?, key?, url?));
    let missing = |error| Failure::with_code(MISSING_VARIABLE, error);
    let (email, password, key, url) = settings.finish(all()).map_err(missing)?;

    let unreadable = |cause: String| Failure::with_code(NO_ANSWER, cause);
    let client = reqwest::Client::builder()
        .timeout(Duration::from_secs(15))
        .build()
        .map_err(|error| unreadable(error.to_string()))?;
    let answer = client
        .post(format!("{}/v1/auth/login", url.trim_end_matches('/')))
        .header("apikey", key)
        .json(&json!({"email": email, "password": password}))
        .send()
        .await
        .map_err(|error| unreadable(format!("{url} cannot be reached: {}", error.without_url())))?;
    let status = answer.status();
    if status.is_client_error() {
        return Err(Failure::with_code(
            REFUSED,
            format!("{url} refused the sign-in with {status}; check SB_EMAIL and SB_PASSWORD"),
        ));
    }
    let answer: LoginAnswer =
        answer.json().await.map_err(|_| unreadable(format!("{url} answered {status} without a token")))?;
    Ok(answer.access)
}
