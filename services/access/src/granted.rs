//! Whether a caller holds what a rule asks for, and what is said to one who does not.

use frontdesk_proto::{ErrorReason, Refusal, Rule};

use crate::caller::{Caller, sign_in_required};
use crate::kind::Acting;

/// Whether the caller is an operator who works in a tenant by that, and not by a role in it.
/// Who only asks what credentials are worth does nothing in the tenant.
pub(crate) fn is_beyond_role(rule: &Rule, caller: &Caller) -> bool {
    let by_role = match rule {
        Rule::Public | Rule::AnyCredential => true,
        Rule::SignedIn => !caller.role.is_empty(),
        Rule::Scoped { scopes, .. } => {
            let mut of_tenant = scopes.iter().filter(|scope| !scope.starts_with("platform:"));
            !caller.role.is_empty() && of_tenant.all(|scope| caller.role_scopes.contains(scope))
        }
    };
    caller.operator && caller.tenant.is_some() && !by_role
}

/// Holds a caller against a rule.
pub(crate) fn check(rule: &Rule, caller: &Caller, with_token: bool) -> Result<(), Refusal> {
    match rule {
        Rule::Public | Rule::AnyCredential => Ok(()),
        Rule::SignedIn => caller.user.map(drop).ok_or_else(sign_in_required),
        Rule::Scoped { scopes, api_key_required } => {
            if rule.needs_tenant() {
                caller.tenant()?;
            }
            if !scopes.iter().all(|scope| caller.scopes.contains(scope)) {
                return Err(scope_missing(scopes, caller, with_token));
            }
            if *api_key_required && caller.api_key_id.is_none() {
                return Err(Refusal::new(
                        ErrorReason::ApiKeyRequired,
                        "The method needs the tenant's API key beside the user token: send `X-TENANT-API-KEY: <key>` too. Owners of the tenant can create keys.",
                    )
                    .with("header", "x-tenant-api-key"));
            }
            Ok(())
        }
    }
}

fn scope_missing(required: &[String], caller: &Caller, with_token: bool) -> Refusal {
    let missing: Vec<&str> =
        required.iter().filter(|scope| !caller.scopes.contains(*scope)).map(String::as_str).collect();
    let granted = caller.scopes.join(" ");
    let wanted = missing.join(" ");
    let granted_text = if granted.is_empty() { "none" } else { &granted };
    let role = if caller.role.is_empty() { "no role" } else { &caller.role };
    let (credential, send, sentence) = if let Some(Acting::Client(_)) = caller.acting {
        (
            "delegated_token",
            "a token of a client that has the scope, for a user who has it",
            format!(
                "the token was accepted, but the client and the user both have no more than these scopes in this tenant: {granted_text}. Ask for a token with the scope, or have an owner of the tenant give it to the API key or the user, whichever lacks it"
            ),
        )
    } else if let Some(Acting::Viewer(_)) = caller.acting {
        (
            "view_token",
            "a token that shows what a user with the scope sees",
            format!(
                "the token shows what a user sees who has {role} in this tenant, with these scopes: {granted_text}. See what somebody else sees, or call with your own token"
            ),
        )
    } else if caller.user.is_some() {
        (
            "user_token",
            "a token of a user whose role in the tenant has the scope",
            format!(
                "your token was accepted, but it gives you {role} in this tenant, with these scopes: {granted_text}. Ask an owner of the tenant for a role that has it"
            ),
        )
    } else if with_token {
        (
            "client_token",
            "a token of a client whose API key has the scope",
            format!(
                "the client's token was accepted, but it has these scopes: {granted_text}. Ask for a token with the scope, or have an owner of the tenant make an API key that has it"
            ),
        )
    } else {
        (
            "api_key",
            "Authorization: Bearer <access token>",
            format!(
                "the tenant API key was accepted, but says only which tenant it is (scopes of the key: {granted_text}). Send a user token as well: `Authorization: Bearer <access token>` from POST /v1/auth/login"
            ),
        )
    };
    Refusal::new(ErrorReason::ScopeMissing, format!("The scope {wanted} is missing: {sentence}."))
        .with("required", required.join(" "))
        .with("missing", wanted)
        .with("granted", granted)
        .with("credential", credential)
        .with("send", send)
}
