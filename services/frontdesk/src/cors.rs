//! `frontdesk cors explain`: whether pages of an origin may call, and why. The gateway is
//! asked as a browser asks it. Without its address the setting of this shell is explained,
//! which may be another than the gateway's.

use std::time::Duration;

use boot::{Origins, Settings};
use clap::Subcommand;
use reqwest::{Method, StatusCode, Url};
use serde::Deserialize;

use crate::http_url::HttpUrl;
use crate::settings::Source;
use crate::smoke::API_BASE_URL;
use crate::{Failure, stdout};

/// How long the gateway may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);
/// What is asked for; whether there is such a thing does not matter to a preflight.
const PATH: &str = "/api/v1/booking-requests";

#[derive(Debug, Subcommand)]
pub enum CorsCommand {
    /// Says whether pages of an origin may call, and why; exit code 1 if they may not.
    /// Asks the gateway that `API_BASE_URL` names.
    Explain {
        /// Where the page is from, as scheme://host:port
        #[arg(long)]
        origin: String,
    },
}

/// Who says what is allowed.
pub struct Environment {
    gateway: Option<HttpUrl>,
    origins: Origins,
}

/// What a browser is told when it asks before a page's call.
pub struct Preflight {
    pub status: StatusCode,
    /// The origin whose pages may call; `*` is all of them.
    pub allowed: Option<String>,
    methods: Option<String>,
    /// What was refused, in the gateway's words.
    said: Option<String>,
}

/// The part of a refusal that people read.
#[derive(Deserialize)]
struct Problem {
    detail: String,
}

impl Environment {
    pub fn read(settings: &mut Settings) -> Option<Self> {
        let gateway = settings.if_set_else(&API_BASE_URL, "ALLOWED_ORIGINS of this shell is explained");
        let origins = gateway::read_origins(settings);
        Some(Self { gateway, origins: origins? })
    }
}

impl Preflight {
    /// Whether pages of an origin may call.
    pub fn allows(&self, origin: &str) -> bool {
        self.allowed.as_deref().is_some_and(|allowed| allowed == origin || allowed == "*")
    }
}

pub async fn run(source: &Source, command: CorsCommand) -> Result<(), Failure> {
    let CorsCommand::Explain { origin } = command;
    let Environment { gateway, origins } = source.read(Environment::read)?;
    let Some(HttpUrl(gateway)) = gateway else {
        let (allowed, text) = gateway::explain_origin(&origins, &origin);
        let text = format!(
            "{text}\nThat is by ALLOWED_ORIGINS of this shell. Set API_BASE_URL, and the gateway is asked."
        );
        return if allowed { stdout::line(text) } else { Err(Failure::new(text)) };
    };
    let asked = preflight(&gateway, &origin).await.map_err(|error| {
        Failure::new(format!(
            "{gateway} does not answer ({}): start `frontdesk gateway`, or correct API_BASE_URL",
            error.without_url()
        ))
    })?;
    if asked.allows(&origin) {
        let methods = asked.methods.unwrap_or_default();
        stdout::line(format_args!(
            "Allowed: {gateway} lets pages of {origin} call, with the methods {methods}."
        ))
    } else if is_origin_of(&gateway, &origin) && asked.status != StatusCode::FORBIDDEN {
        stdout::line(format_args!("Allowed: {origin} is where {gateway} is; its own pages need no leave."))
    } else if let Some(said) = asked.said {
        Err(Failure::new(format!("Refused: {gateway} answers {}. {said}", asked.status)))
    } else {
        Err(Failure::new(format!(
            "Refused: {gateway} answers {} and does not say that pages of {origin} may call. It is not the gateway, \
             or something before it answers in its place.",
            asked.status
        )))
    }
}

/// Asks what a page may do, as a browser does.
pub async fn preflight(gateway: &str, origin: &str) -> reqwest::Result<Preflight> {
    let client = reqwest::Client::builder().timeout(PATIENCE).build()?;
    let answer = client
        .request(Method::OPTIONS, format!("{gateway}{PATH}"))
        .header("origin", origin)
        .header("access-control-request-method", "GET")
        .header("access-control-request-headers", "authorization")
        .send()
        .await?;
    let header =
        |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let (allowed, methods) = (header("access-control-allow-origin"), header("access-control-allow-methods"));
    let status = answer.status();
    let said = serde_json::from_slice::<Problem>(&answer.bytes().await?).ok().map(|problem| problem.detail);
    Ok(Preflight { status, allowed, methods, said })
}

fn is_origin_of(gateway: &str, origin: &str) -> bool {
    let of = |text: &str| Url::parse(text).ok().map(|url| url.origin());
    of(gateway).is_some_and(|gateway| of(origin) == Some(gateway))
}
