//! Tokens of other issuers, an existing Supabase project for example. Each
//! issuer is bound to its own keys, algorithms and audience; what a token says about
//! e-mail or roles counts for nothing.
//!
//! They are verified here alone; the other services send on any token that names
//! another issuer.

use std::fmt;

use access::{LEEWAY, Proof, TokenFault};
use jiff::Timestamp;
use jsonwebtoken::Validation;
use outbound::FetchError;
use serde::Deserialize;
use uuid::Uuid;

use super::issuer_keys::Keys;
use crate::credential::trusted_issuers::{TrustedIssuer, TrustedIssuers};
use crate::domain::ids::UserId;
use crate::domain::user_link::Subject;
use crate::error::Error;

/// Verifies tokens of other issuers.
#[derive(Default)]
pub struct ForeignTokens(Vec<Verifier>);

/// What verifies the tokens of one issuer.
struct Verifier {
    of: TrustedIssuer,
    keys: Keys,
}

/// What a token of another issuer is worth.
#[derive(Debug, PartialEq, Eq)]
pub struct Foreign {
    /// Whom it is about.
    pub of: Subject,
    /// Whether it carries what its user holds outside tenants.
    pub platform_scopes: bool,
    /// The user that it is about without a link, if the issuer is trusted with that.
    pub user: Option<UserId>,
    /// When the token is no longer taken.
    pub until: Timestamp,
    /// What it says of proofs.
    pub proof: Proof,
}

/// A time as RFC 7519 has it (section 2, NumericDate): seconds, perhaps with a fraction.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(transparent)]
struct NumericDate(f64);

#[derive(Deserialize)]
struct ForeignClaims {
    sub: String,
    exp: NumericDate,
    #[serde(default)]
    nbf: Option<NumericDate>,
    #[serde(default)]
    iat: Option<NumericDate>,
    /// How much the session is to be believed, in the words of Supabase.
    #[serde(default)]
    aal: serde_json::Value,
    /// What was proved in it, each with its time there; others have words alone (RFC 8176).
    #[serde(default)]
    amr: serde_json::Value,
    /// When the user signed in (`OpenID` Connect).
    #[serde(default)]
    auth_time: serde_json::Value,
    /// What happened: the claim of security events, such as logout tokens (RFC 8417).
    #[serde(default)]
    events: Option<serde::de::IgnoredAny>,
    /// What the token is for, in the words of Cognito.
    #[serde(default)]
    token_use: Option<serde_json::Value>,
    /// The same in those of Keycloak.
    #[serde(default)]
    typ: serde_json::Value,
    /// The access token that an ID token came with (`OpenID` Connect).
    #[serde(default)]
    at_hash: Option<serde::de::IgnoredAny>,
    /// The code that one came with, there.
    #[serde(default)]
    c_hash: Option<serde::de::IgnoredAny>,
}

/// Values of `typ` of tokens that are no access tokens: any client of the issuer, or the user's
/// browser, may hold one.
const OTHER_USES: [&str; 3] = ["ID", "Refresh", "Offline"];

impl ForeignTokens {
    /// Verifies tokens of these issuers.
    pub fn of(issuers: &TrustedIssuers) -> Result<Self, FetchError> {
        let verifier = |of: &TrustedIssuer| Ok(Verifier { of: of.clone(), keys: Keys::of(&of.keys)? });
        issuers.iter().map(verifier).collect::<Result<_, _>>().map(Self)
    }

    /// What a token is worth, if one of these issuers has issued it.
    pub async fn verify(&self, token: &str, now: Timestamp) -> Result<Foreign, Error> {
        let header = access::read_header(token)?;
        let unverified = jsonwebtoken::dangerous::insecure_decode::<Issued>(token);
        let claimed = unverified.map_err(|_| TokenFault::Malformed)?.claims.iss;
        let verifier = self.0.iter().find(|verifier| verifier.of.issuer == claimed);
        let Verifier { of, keys } = verifier.ok_or(TokenFault::WrongIssuer)?;
        let (algorithm, key) = keys.key(&header).await?;
        let mut validation = Validation::new(algorithm);
        // Times are looked at below: they may have fractions.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        validation.set_issuer(&[&of.issuer]);
        validation.set_audience(&[&of.audience]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        let claims = jsonwebtoken::decode::<ForeignClaims>(token, &key, &validation)
            .map_err(|error| access::fault(error.kind()))?
            .claims;
        if is_for_another_use(&claims) {
            return Err(TokenFault::WrongKind.into());
        }
        let proof = proof(&claims);
        let until = check_times(&claims, of.longest, now)?;
        let user = of.subjects_are_user_ids.then(|| Uuid::try_parse(&claims.sub).ok()).flatten();
        Ok(Foreign {
            of: Subject { issuer: of.issuer.clone(), subject: claims.sub },
            platform_scopes: of.platform_scopes,
            user: user.map(UserId),
            until,
            proof,
        })
    }
}

/// Whether a token is no access token: that of an event, an ID token, or one that gets others.
fn is_for_another_use(claims: &ForeignClaims) -> bool {
    let says = |word: &str| claims.typ.as_str().is_some_and(|typ| typ.eq_ignore_ascii_case(word));
    claims.events.is_some()
        || claims.at_hash.is_some()
        || claims.c_hash.is_some()
        || claims.token_use.as_ref().is_some_and(|used| used != "access")
        || OTHER_USES.into_iter().any(says)
}

/// What a token says of proofs. Whoever trusts an issuer with who somebody is trusts it with
/// that, too; what is not said was not proved.
fn proof(claims: &ForeignClaims) -> Proof {
    let methods = claims.amr.as_array().into_iter().flatten();
    let times = methods.filter_map(|method| method.get("timestamp")?.as_u64());
    let at = times.chain(claims.auth_time.as_u64()).max();
    Proof { two_factors: claims.aal == "aal2", at, second_at: None }
}

/// Until when a token is taken.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "milliseconds of this epoch are exact in a double, and fractions of one do not matter"
)]
fn check_times(claims: &ForeignClaims, longest: u64, now: Timestamp) -> Result<Timestamp, TokenFault> {
    let ForeignClaims { exp: NumericDate(exp), nbf, iat, .. } = claims;
    let (now, leeway, longest) = (now.as_millisecond() as f64 / 1000.0, LEEWAY as f64, longest as f64);
    if *exp + leeway <= now {
        return Err(TokenFault::Expired);
    }
    if [nbf, iat].into_iter().flatten().any(|NumericDate(from)| *from > now + leeway) {
        return Err(TokenFault::NotYetValid);
    }
    // One that does not say since when it lives has just been made, at best.
    let lives = exp - iat.map_or(now, |NumericDate(iat)| iat);
    if lives > longest {
        return Err(TokenFault::LivesTooLong);
    }
    Timestamp::from_millisecond(((exp + leeway) * 1000.0) as i64).map_err(|_| TokenFault::Malformed)
}

/// How many keys of an issuer verify, or why they cannot be had.
pub type UsableKeys = Result<usize, String>;

impl ForeignTokens {
    /// Fetches the keys of each issuer, for an operator who wants to know.
    pub async fn usable_keys(&self) -> Vec<(&str, UsableKeys)> {
        let mut found = Vec::new();
        for Verifier { of, keys } in &self.0 {
            found.push((of.issuer.as_str(), keys.count().await));
        }
        found
    }
}

#[derive(Deserialize)]
struct Issued {
    iss: String,
}

impl fmt::Debug for ForeignTokens {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_list().entries(self.0.iter().map(|verifier| &verifier.of.issuer)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_token_says_of_proofs_is_read_in_each_form() {
        let proof = |claims: &str| {
            let claims = format!(r#"{{"sub":"s","exp":1{claims}}}"#);
            let Proof { two_factors, at, second_at: _ } = proof(&serde_json::from_str(&claims).unwrap());
            (two_factors, at)
        };
        let supabase =
            r#","aal":"aal2","amr":[{"method":"password","timestamp":5},{"method":"totp","timestamp":7}]"#;
        assert_eq!(proof(supabase), (true, Some(7)));
        assert_eq!(proof(r#","amr":["pwd","otp"],"auth_time":9"#), (false, Some(9)));
        assert_eq!(proof(r#","aal":2,"amr":"pwd","auth_time":"9""#), (false, None));
        assert_eq!(proof(""), (false, None));
    }

    #[test]
    fn times_may_have_fractions_and_a_token_lives_no_longer_than_its_issuers_may() {
        let now = Timestamp::from_millisecond(1_800_000_000_500).unwrap();
        let check = |claims: &str| {
            let claims = serde_json::from_str(&format!(r#"{{"sub":"s",{claims}}}"#)).unwrap();
            check_times(&claims, 3600, now).map(drop)
        };
        assert_eq!(check(r#""exp":1800000000.75,"iat":1799999990.25,"nbf":1799999990"#), Ok(()));
        assert_eq!(check(r#""exp":1799999995.6"#), Ok(()));
        assert_eq!(check(r#""exp":1799999995.4"#), Err(TokenFault::Expired));
        assert_eq!(check(r#""exp":1.8000001e9,"nbf":1800000005.6"#), Err(TokenFault::NotYetValid));
        assert_eq!(check(r#""exp":1800000100,"iat":1800000005.6"#), Err(TokenFault::NotYetValid));
        assert_eq!(check(r#""exp":1800003600.5,"iat":1800000000.5"#), Ok(()));
        assert_eq!(check(r#""exp":1800003601,"iat":1800000000.5"#), Err(TokenFault::LivesTooLong));
        assert_eq!(check(r#""exp":1800003601"#), Err(TokenFault::LivesTooLong));
        assert!(serde_json::from_str::<ForeignClaims>(r#"{"sub":"s","exp":"1800000000"}"#).is_err());
    }
}
