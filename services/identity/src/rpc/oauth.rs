//! `OAuthService`: tokens for clients, and what they have to know of this server.

use access::Issuer;
use frontdesk_proto::identity::v1 as wire;
use frontdesk_proto::identity::v1::o_auth_service_server::OAuthService;
use frontdesk_proto::{ErrorReason, Refusal};
use jiff::Timestamp;
use tonic::metadata::MetadataValue;
use tonic::{Request, Response, Status};
use zeroize::Zeroizing;

use super::identity::Identity;
use crate::changes::client_proof::{JWT_BEARER, Proof, TOKEN_ENDPOINT};
use crate::changes::client_token::{ACCESS_TOKEN, AskedToken, ClientToken, GRANTS, TOKEN_EXCHANGE};
use crate::domain::field::InvalidField;
use crate::domain::scopes::TENANT_SCOPES;
use crate::error::Error;
use crate::trust::assertions::ALGORITHMS;

#[tonic::async_trait]
impl OAuthService for Identity {
    async fn issue_token(
        &self,
        request: Request<wire::IssueTokenRequest>,
    ) -> Result<Response<wire::IssueTokenResponse>, Status> {
        let actor = Self::stranger(&request);
        let wire::IssueTokenRequest {
            grant_type,
            client_id,
            client_secret,
            client_assertion_type,
            client_assertion,
            scope,
            subject_token,
            subject_token_type,
            requested_token_type,
            audience,
            resource,
        } = request.into_inner();
        let [secret, assertion, subject_token] =
            [client_secret, client_assertion, subject_token].map(Zeroizing::new);
        check_target(&audience, &resource, self.sessions.keyring.issuer())?;
        check_kinds(&grant_type, &subject_token, &subject_token_type, &requested_token_type)?;
        let proof = proof(secret, &client_assertion_type, assertion)?;
        let asked = AskedToken { grant_type, client_id, proof, scope, subject_token };
        let issued = self.sessions.issue_client_token(asked, &actor, Timestamp::now()).await?;
        let ClientToken { access, scopes, lifetime, exchanged } = issued;
        let mut response = Response::new(wire::IssueTokenResponse {
            access_token: access,
            token_type: "Bearer".to_owned(),
            expires_in: i32::try_from(lifetime).unwrap_or(i32::MAX),
            scope: scopes.join(" "),
            issued_token_type: if exchanged { ACCESS_TOKEN.to_owned() } else { String::new() },
        });
        response.metadata_mut().insert("cache-control", MetadataValue::from_static("no-store"));
        Ok(response)
    }

    async fn get_server_metadata(
        &self,
        _: Request<wire::GetServerMetadataRequest>,
    ) -> Result<Response<wire::GetServerMetadataResponse>, Status> {
        let issuer = &self.sessions.keyring.issuer().issuer;
        if !is_origin(issuer) {
            return Err(without_address().into());
        }
        let at = |path: &str| format!("{}{path}", issuer.trim_end_matches('/'));
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        let mut response = Response::new(wire::GetServerMetadataResponse {
            issuer: issuer.clone(),
            token_endpoint: at(TOKEN_ENDPOINT),
            jwks_uri: at("/.well-known/jwks.json"),
            grant_types_supported: texts(&GRANTS),
            token_endpoint_auth_methods_supported: texts(&[
                "client_secret_basic",
                "client_secret_post",
                "private_key_jwt",
            ]),
            token_endpoint_auth_signing_alg_values_supported: ALGORITHMS
                .iter()
                .map(|algorithm| format!("{algorithm:?}"))
                .collect(),
            scopes_supported: texts(&TENANT_SCOPES),
            response_types_supported: Vec::new(),
            subject_types_supported: texts(&["public"]),
            id_token_signing_alg_values_supported: texts(&["ES256"]),
            service_documentation: at("/docs"),
        });
        response.metadata_mut().insert("cache-control", MetadataValue::from_static("public, max-age=300"));
        Ok(response)
    }
}

/// Whether an issuer is the address of a server and no more: documents of an issuer with a path
/// are looked for where there are none (RFC 8414 section 3.1).
fn is_origin(issuer: &str) -> bool {
    let rest = issuer.strip_prefix("https://").or_else(|| issuer.strip_prefix("http://"));
    let host = rest.map(|rest| rest.strip_suffix('/').unwrap_or(rest));
    host.is_some_and(|host| !host.is_empty() && !host.contains(['/', '?', '#', '@']))
}

/// The kinds of tokens that are exchanged: access tokens for access tokens.
fn check_kinds(grant: &str, token: &str, kind: &str, requested: &str) -> Result<(), Error> {
    if grant == TOKEN_EXCHANGE && token.is_empty() {
        let problem = "is needed: the access token of the user for whom the client acts";
        return Err(InvalidField::new("subject_token", problem).into());
    }
    // Whoever sends one relies on it.
    if grant != TOKEN_EXCHANGE
        && let Some((field, _)) =
            [("subject_token", token), ("subject_token_type", kind), ("requested_token_type", requested)]
                .into_iter()
                .find(|(_, sent)| !sent.is_empty())
    {
        return Err(InvalidField::new(field, format!("goes with grant_type={TOKEN_EXCHANGE}")).into());
    }
    let takes = || format!("takes {ACCESS_TOKEN}");
    if kind != if token.is_empty() { "" } else { ACCESS_TOKEN } {
        return Err(InvalidField::new("subject_token_type", takes()).into());
    }
    if !(requested.is_empty() || requested == ACCESS_TOKEN) {
        return Err(InvalidField::new("requested_token_type", takes()).into());
    }
    Ok(())
}

/// For whom a token may be asked: for all of us, by the names that this server has.
fn check_target(audiences: &[String], resources: &[String], issuer: &Issuer) -> Result<(), Refusal> {
    let named =
        |name: &str| name.is_empty() || name.trim_end_matches('/') == issuer.issuer.trim_end_matches('/');
    let is_audience = |name: &String| named(name) || *name == issuer.audience;
    if audiences.iter().all(is_audience) && resources.iter().all(|name| named(name)) {
        return Ok(());
    }
    Err(Refusal::new(
        ErrorReason::TargetUnknown,
        format!(
            "The token is asked for another service, and tokens are for this one as a whole: leave `audience` and `resource` out, or send the issuer, {}.",
            issuer.issuer
        ),
    ))
}

/// How a client proves who it is; one way, since two could be of two clients.
fn proof(secret: Zeroizing<String>, kind: &str, assertion: Zeroizing<String>) -> Result<Proof, Error> {
    let invalid = |field, problem: &str| Err(Error::from(InvalidField::new(field, problem)));
    match (secret.is_empty(), kind, assertion.is_empty()) {
        (true, "", true) => Ok(Proof::None),
        (false, "", true) => Ok(Proof::Secret(secret)),
        (true, JWT_BEARER, false) => Ok(Proof::Assertion(assertion)),
        (true, JWT_BEARER, true) => invalid("client_assertion", "is needed with its type"),
        (true, ..) => invalid("client_assertion_type", &format!("takes {JWT_BEARER}")),
        (false, ..) => invalid("client_secret", "cannot be sent beside an assertion"),
    }
}

fn without_address() -> Refusal {
    Refusal::new(
        ErrorReason::IssuerWithoutAddress,
        "The issuer of this deployment is not the address of a server, or has a path, and clients configure themselves by that address: set TOKEN_ISSUER of identity and booking to that of the gateway. Tokens are issued at POST /oauth/token all the same.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_configure_themselves_by_the_address_of_a_server_and_no_other_issuer() {
        for origin in ["https://id.example", "http://127.0.0.1:8080/", "https://[2001:db8::1]:8443"] {
            assert!(is_origin(origin), "{origin}");
        }
        for other in [
            "frontdesk",
            "https://",
            "https:///",
            "https://id.example/t",
            "https://id.example?x",
            "https://a@b",
        ] {
            assert!(!is_origin(other), "{other}");
        }
    }
}
