//! Tokens for clients, which are API keys of tenants: for themselves (RFC 6749 section 4.4),
//! and to act for a user who has signed in (RFC 8693). How a client proves who it is, is the
//! business of `client_proof`.

use std::fmt;

use access::{CLIENT_LIFETIME, Claims, Closed, TokenKind};
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::client_proof::{Proof, Proved};
use super::paces::{EVERY, SAVED};
use super::sessions::Sessions;
use crate::actor::Actor;
use crate::credential::access_token::{NewBoundToken, StandsFor};
use crate::domain::api_key::ClientOfKey;
use crate::domain::audit::AuditAction;
use crate::domain::ids::{SessionId, UserId};
use crate::domain::scopes::TENANT_SCOPES;
use crate::error::{Error, Reason, Refusal};
use crate::store::Change;
use crate::trust::assertions::Assertion;
use crate::trust::authority::check_address;

/// The grants that are served.
pub const GRANTS: [&str; 2] = [CLIENT_CREDENTIALS, TOKEN_EXCHANGE];
const CLIENT_CREDENTIALS: &str = "client_credentials";
/// The grant by which a client gets a token to act for a user.
pub const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
/// The kind of tokens that are exchanged and issued.
pub const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";

/// What a client asks for.
pub struct AskedToken {
    /// The grant.
    pub grant_type: String,
    /// The client's id; with an assertion it may be left out.
    pub client_id: String,
    /// How it proves who it is.
    pub proof: Proof,
    /// The scopes, with spaces; empty means all that it has.
    pub scope: String,
    /// The token of the user for whom it acts; empty if it acts for itself.
    pub subject_token: Zeroizing<String>,
}

/// A token of a client.
pub struct ClientToken {
    /// The token.
    pub access: String,
    /// Its scopes.
    pub scopes: Vec<String>,
    /// Seconds that it lives.
    pub lifetime: u64,
    /// Whether it was exchanged for a user's.
    pub exchanged: bool,
}

/// A user for whom a client acts.
struct Subject {
    claims: Claims,
    /// When the session of that token ends.
    ends_at: Option<Timestamp>,
    /// What the user may do in the client's tenant.
    scopes: Vec<String>,
}

impl Sessions {
    /// Issues a token to a client.
    pub async fn issue_client_token(
        &self,
        asked: AskedToken,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<ClientToken, Error> {
        let AskedToken { grant_type, client_id, proof, scope, subject_token } = asked;
        if !GRANTS.contains(&grant_type.as_str()) {
            return Err(unsupported().into());
        }
        let proved = match self.client(&client_id, &proof, now).await? {
            Ok(proved) => proved,
            Err(fault) => return Err(self.not_proved(fault, &client_id, actor, now).await?),
        };
        let client = &proved.client;
        boot::note_tenant(client.tenant.0);
        boot::note_caller(None, Some(client.id.0));
        let at_all = check_address(&client.allowed_addresses, actor.context.address).and_then(|()| {
            let closed = Closed::of(client.suspended, client.deleted_until);
            closed.map_or(Ok(()), |closed| Err(closed.refusal(now)))
        });
        if let Err(refusal) = at_all {
            let (action, reason) = (AuditAction::TokenIssued, refusal.reason());
            self.record_refused(client, action, reason, actor, now).await?;
            return Err(refusal.into());
        }
        let subject = match grant_type.as_str() {
            TOKEN_EXCHANGE => Some(self.subject(client, &subject_token, actor, now).await?),
            _ => None,
        };
        let mut held = client.scopes.clone();
        if let Some(Subject { scopes, .. }) = &subject {
            held.retain(|scope| scopes.contains(scope));
        }
        let scopes = granted(&held, &scope)?;
        let session = subject.as_ref().map(|subject| SessionId(subject.claims.session_id));
        if let Err(wait) = self.paces.take((client.id, session.unwrap_or_default()), now) {
            let action = AuditAction::TokenIssued;
            self.record_refused(client, action, Reason::TooManyAttempts, actor, now).await?;
            return Err(too_fast(wait).into());
        }
        let Some(issued) = self.issue(&proved, subject.as_ref(), actor).await? else {
            let fault = (Some((client.tenant, client.id)), "the assertion was used before");
            return Err(self.not_proved(fault, &client_id, actor, now).await?);
        };
        self.client_token(issued, &proved, subject.as_ref(), scopes)
    }

    /// Records that a token is issued, with its id and time; none if the assertion was used
    /// before. A client whose secret ends meanwhile gets a token that ended with it.
    async fn issue(
        &self,
        proved: &Proved,
        subject: Option<&Subject>,
        actor: &Actor,
    ) -> Result<Option<(Uuid, Timestamp)>, Error> {
        let Proved { client, assertion, .. } = proved;
        let by = Actor { api_key: Some(client.id), for_user: subject.is_some(), ..actor.clone() };
        Change::run(&self.store, async |change| {
            let id = Change::new_id();
            if let Some(Assertion { id, until, .. }) = assertion
                && !change.use_assertion(client.tenant, client.id, id, *until).await?
            {
                change.settle().await?;
                return Ok(None);
            }
            let at = change.at();
            if client.use_is_old {
                change.mark_client_used(client.tenant, client.id).await?;
            }
            let issued = match subject {
                None => by.did(AuditAction::TokenIssued),
                Some(Subject { claims, .. }) => by
                    .did(AuditAction::TokenExchanged)
                    .by(Some(UserId(claims.sub)))
                    .in_session(SessionId(claims.session_id)),
            };
            change.finish(issued.in_tenant(client.tenant).about(id)).await?;
            Ok(Some((id, at)))
        })
        .await
    }

    fn client_token(
        &self,
        (id, at): (Uuid, Timestamp),
        Proved { client, got_by, until, .. }: &Proved,
        subject: Option<&Subject>,
        scopes: Vec<String>,
    ) -> Result<ClientToken, Error> {
        let stands_for = match subject {
            None => StandsFor::Client(client.id, got_by),
            Some(Subject { claims, .. }) => StandsFor::Delegate(client.id, got_by, claims),
        };
        // It ends with what it was got by, and with the user's token.
        let of_token = subject.map(|Subject { claims, .. }| claims.exp);
        let of_session = subject.and_then(|Subject { ends_at, .. }| *ends_at);
        let seconds = |at: Timestamp| u64::try_from(at.as_second()).unwrap_or_default();
        let ends = [*until, of_session].into_iter().flatten().map(seconds).chain(of_token);
        let rest = ends.map(|end| end.saturating_sub(seconds(at)));
        let lifetime = rest.fold(u64::from(CLIENT_LIFETIME), u64::min);
        let token =
            NewBoundToken { id, stands_for, tenant: client.tenant, scopes: Some(&scopes), at, lifetime };
        let access = self.keyring.sign_bound(&token)?;
        Ok(ClientToken { access, scopes, lifetime, exchanged: subject.is_some() })
    }

    /// The user whose token a client sends; that one is refused is told to the client's tenant.
    async fn subject(
        &self,
        client: &ClientOfKey,
        token: &str,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<Subject, Error> {
        let refusal = match self.live_subject(client, token, now).await? {
            Ok(subject) => return Ok(subject),
            Err(refusal) => refusal,
        };
        let actor = Actor { api_key: Some(client.id), ..actor.clone() };
        let (action, reason) = (AuditAction::TokenExchanged, refusal.reason());
        self.record_refused(client, action, reason, &actor, now).await?;
        Err(refusal.into())
    }

    /// The user, if the token is a live one of ours and the user is a member of the client's
    /// tenant. A token that acts for somebody already is passed on no further, and what
    /// operators may do is theirs alone.
    async fn live_subject(
        &self,
        client: &ClientOfKey,
        token: &str,
        now: Timestamp,
    ) -> Result<Result<Subject, Refusal>, Error> {
        let claims = match access::check_token(token, &self.keyring.verifying(), self.keyring.issuer()) {
            Ok(claims) => claims,
            Err(fault) => return Ok(Err(bad_subject(&format!("it is refused: {fault}")))),
        };
        if claims.kind() != Some(TokenKind::User) {
            return Ok(Err(bad_subject("it is not the token of a user's own session")));
        }
        // Clocks may be apart, and what has no second left is good for nothing.
        if claims.exp <= now.as_second().unsigned_abs() {
            return Ok(Err(bad_subject("it is over")));
        }
        let (session, user) = (SessionId(claims.session_id), UserId(claims.sub));
        let found = self.store.resolve_user(session, user, Some(client.tenant), now).await?;
        let Some(first) = found.first() else { return Ok(Err(bad_subject("its session is over"))) };
        let Some((_, role)) = &first.membership else {
            return Ok(Err(bad_subject("its user is not a member of the client's tenant")));
        };
        // It is in use, whoever uses it: the refresh token from before it is over.
        if first.used_counter < claims.generation {
            self.store.mark_session_used(session, claims.generation).await?;
        }
        Ok(Ok(Subject { scopes: role.scopes(), ends_at: first.session_ends_at, claims }))
    }
}

impl fmt::Debug for AskedToken {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { grant_type, client_id, proof, scope, subject_token: _ } = self;
        let mut out = out.debug_struct("AskedToken");
        out.field("grant_type", grant_type).field("client_id", client_id).field("proof", proof);
        out.field("scope", scope).finish_non_exhaustive()
    }
}

impl fmt::Debug for ClientToken {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { access: _, scopes, lifetime, exchanged } = self;
        let mut out = out.debug_struct("ClientToken");
        out.field("scopes", scopes).field("lifetime", lifetime).field("exchanged", exchanged);
        out.finish_non_exhaustive()
    }
}

/// The scopes that a client gets.
fn granted(held: &[String], asked: &str) -> Result<Vec<String>, Refusal> {
    let mut wanted: Vec<String> = asked.split_ascii_whitespace().map(str::to_owned).collect();
    if wanted.is_empty() {
        wanted = held.to_vec();
    }
    wanted.sort();
    wanted.dedup();
    let missing: Vec<&str> =
        wanted.iter().filter(|scope| !held.contains(scope)).map(String::as_str).collect();
    if missing.is_empty() {
        return Ok(wanted);
    }
    // What is not a scope at all is not repeated.
    let known: Vec<&str> = missing.iter().copied().filter(|scope| TENANT_SCOPES.contains(scope)).collect();
    let named =
        if known.is_empty() { "what is asked for is not a scope".to_owned() } else { known.join(" ") };
    Err(Refusal::new(
        Reason::ScopeNotGranted,
        format!("The client does not have all the scopes that it asks for: {named}. Ask for scopes of its API key, which the user must have too for whom it acts, or for none to get them all."),
    )
    .with("missing", known.join(" ")))
}

fn too_fast(wait: SignedDuration) -> Refusal {
    let wait = wait.unsigned_abs();
    Refusal::new(
        Reason::TooManyAttempts,
        format!(
            "The client asks for tokens faster than it gets any: {SAVED} at once, then one in {} s. A token is good for as many calls as are made while it lives (`expires_in`): keep it, and ask for the next one when it ends. Try again in {} s.",
            EVERY.as_secs(),
            wait.as_secs().max(1)
        ),
    )
    .retry_after(wait)
}

fn unsupported() -> Refusal {
    Refusal::new(
        Reason::GrantTypeUnsupported,
        format!("There is no such grant here: send grant_type={CLIENT_CREDENTIALS}, or {TOKEN_EXCHANGE} to act for a user."),
    )
    .with("supported", GRANTS.join(" "))
}

fn bad_subject(why: &str) -> Refusal {
    Refusal::new(
        Reason::GrantInvalid,
        format!(
            "The subject token cannot be exchanged: {why}. Send the access token of a user of the client's tenant, as POST /v1/auth/login gives it."
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_and_given_is_told_without_tokens_and_secrets() {
        let secret = || Zeroizing::new("s3cret".to_owned());
        for proof in [Proof::None, Proof::Secret(secret()), Proof::Assertion(secret())] {
            let asked = AskedToken {
                grant_type: TOKEN_EXCHANGE.to_owned(),
                client_id: "client".to_owned(),
                proof,
                scope: String::new(),
                subject_token: secret(),
            };
            let told = format!("{asked:?}");
            assert!(told.contains("client") && !told.contains("s3cret"), "{told}");
        }
        let given =
            ClientToken { access: secret().to_string(), scopes: Vec::new(), lifetime: 600, exchanged: false };
        let told = format!("{given:?}");
        assert!(told.contains("600") && !told.contains("s3cret"), "{told}");
    }
}
