//! `TRUSTED_ISSUERS`: the other issuers that a deployment names, and what their
//! tokens are checked with. Neither a key nor a token is looked at here.

use std::fmt;
use std::str::FromStr;

use outbound::Target;
use serde::Deserialize;

/// Fewest bytes of an HS256 secret; a shorter one could be guessed.
const MIN_SECRET: usize = 32;
/// How long a token may live where the entry does not say it: a day.
const LONGEST: u64 = 24 * 3600;

/// The other issuers, each once.
#[derive(Debug, Clone, Default)]
pub struct TrustedIssuers(Vec<TrustedIssuer>);

/// Another issuer.
#[derive(Debug, Clone)]
pub struct TrustedIssuer {
    pub issuer: String,
    /// For whom its tokens have to be issued.
    pub audience: String,
    /// How long its tokens may live at most, in seconds, whatever they say.
    pub longest: u64,
    /// Whether its tokens carry what their users hold outside tenants.
    pub platform_scopes: bool,
    /// Whether its subjects are ids of users here, so that they need no links.
    pub subjects_are_user_ids: bool,
    pub keys: KeySource,
}

/// Where the keys of an issuer are.
#[derive(Clone)]
pub enum KeySource {
    /// Shared with the issuer, for HS256.
    Secret(String),
    /// The list of its public keys.
    Address(Target),
}

/// What is wrong with `TRUSTED_ISSUERS`.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct TrustedIssuersError(String);

/// One entry of `TRUSTED_ISSUERS`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    issuer: String,
    audience: String,
    #[serde(default)]
    jwks_url: Option<String>,
    #[serde(default)]
    hs256_secret: Option<String>,
    #[serde(default)]
    max_lifetime_seconds: Option<u64>,
    #[serde(default)]
    platform_scopes: bool,
    #[serde(default)]
    subjects_are_user_ids: bool,
}

impl TrustedIssuers {
    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &TrustedIssuer> {
        self.0.iter()
    }
}

impl FromStr for TrustedIssuers {
    type Err = TrustedIssuersError;

    /// A JSON array of objects with `issuer`, `audience`, and one of `jwks_url`
    /// and `hs256_secret`; `max_lifetime_seconds` if its tokens live longer than a day;
    /// `platform_scopes` and `subjects_are_user_ids` if it is trusted with them.
    fn from_str(text: &str) -> Result<Self, TrustedIssuersError> {
        let entries: Vec<Entry> = serde_json::from_str(text).map_err(|error| {
            TrustedIssuersError(format!(
                "must be a JSON array of {{\"issuer\", \"audience\", \"jwks_url\" or \"hs256_secret\"}} (line {}, column {})",
                error.line(),
                error.column()
            ))
        })?;
        let mut issuers: Vec<TrustedIssuer> = Vec::new();
        for entry in entries {
            let Entry {
                issuer,
                audience,
                jwks_url,
                hs256_secret,
                max_lifetime_seconds,
                platform_scopes,
                subjects_are_user_ids,
            } = entry;
            let wrong = |cause: &str| TrustedIssuersError(format!("`{issuer}`: {cause}"));
            let known = issuers.iter().any(|other| other.issuer == issuer);
            if issuer.is_empty() || audience.is_empty() || known {
                return Err(wrong("issuer and audience are needed, and each issuer once"));
            }
            let keys = match (jwks_url, hs256_secret) {
                (None, Some(secret)) if secret.len() >= MIN_SECRET => KeySource::Secret(secret),
                (None, Some(_)) => {
                    return Err(wrong(&format!("hs256_secret is shorter than {MIN_SECRET} bytes")));
                }
                (Some(url), None) => {
                    let target = Target::named_by_deployment(&url);
                    KeySource::Address(target.map_err(|error| wrong(&format!("jwks_url {error}")))?)
                }
                _ => return Err(wrong("one of jwks_url and hs256_secret is needed")),
            };
            let longest = max_lifetime_seconds.unwrap_or(LONGEST);
            issuers.push(TrustedIssuer {
                issuer,
                audience,
                longest,
                platform_scopes,
                subjects_are_user_ids,
                keys,
            });
        }
        Ok(Self(issuers))
    }
}

impl fmt::Debug for KeySource {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Secret(_) => out.write_str("Secret"),
            Self::Address(target) => out.write_str(target.as_str()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_that_would_weaken_us_are_refused() {
        let secret = "s".repeat(32);
        let good = format!(r#"[{{"issuer":"a","audience":"b","hs256_secret":"{secret}"}}]"#);
        let issuers: TrustedIssuers = good.parse().unwrap();
        assert_eq!(issuers.iter().count(), 1);
        assert!(!format!("{issuers:?}").contains(&secret), "{issuers:?}");
        for bad in [
            "{}",
            r#"[{"issuer":"a","audience":"b"}]"#,
            r#"[{"issuer":"a","audience":"b","hs256_secret":"short"}]"#,
            r#"[{"issuer":"a","audience":"b","jwks_url":"http://evil.example/jwks"}]"#,
            r#"[{"issuer":"a","audience":"","jwks_url":"https://x/jwks"}]"#,
            r#"[{"issuer":"a","audience":"b","jwks_url":"https://x/jwks","extra":1}]"#,
            &format!(
                r#"[{{"issuer":"a","audience":"b","jwks_url":"https://x/j","hs256_secret":"{secret}"}}]"#
            ),
        ] {
            let error = bad.parse::<TrustedIssuers>().unwrap_err().to_string();
            assert!(!error.contains(&secret), "{error}");
        }
    }
}
