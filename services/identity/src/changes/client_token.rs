//! Tokens for clients, which are API keys of tenants: for themselves (RFC 6749 section 4.4),
//! and to act for a user who has signed in (RFC 8693). How a client proves who it is: by the
//! secret of the key, or by an assertion that is used once.

use access::{CLIENT_LIFETIME, Claims, TokenKind, tenant_suspended};
use jiff::Timestamp;
use uuid::Uuid;

use super::password::check_limits;
use super::sessions::Sessions;
use crate::actor::Actor;
use crate::credential::access_token::{NewBoundToken, StandsFor};
use crate::credential::api_key::KeyText;
use crate::domain::api_key::ClientOfKey;
use crate::domain::audit::AuditAction;
use crate::domain::ids::{self, ApiKeyId, SessionId, TenantId, UserId};
use crate::domain::limits::{Buckets, Limits};
use crate::domain::scopes::TENANT_SCOPES;
use crate::error::{Error, Reason, Refusal};
use crate::store::Change;
use crate::trust::assertions::{self, Assertion};
use crate::trust::authority::check_address;

/// The grants that are served.
pub const GRANTS: [&str; 2] = [CLIENT_CREDENTIALS, TOKEN_EXCHANGE];
const CLIENT_CREDENTIALS: &str = "client_credentials";
const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
/// The kind of tokens that are exchanged and issued.
pub const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
/// What kind of assertion is taken.
pub const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// Where tokens are issued, under the address of the issuer.
pub const TOKEN_ENDPOINT: &str = "/oauth/token";

/// What a client asks for.
#[derive(Debug)]
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
    pub subject_token: String,
}

/// How a client proves who it is.
pub enum Proof {
    /// By nothing that is taken.
    None,
    /// By its secret.
    Secret(zeroize::Zeroizing<String>),
    /// By an assertion.
    Assertion(String),
}

/// A token of a client.
#[derive(Debug)]
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
        let buckets = self.buckets.client(&client_id, actor.context.address);
        // Nobody guesses a secret of 256 bits; so that nobody can lock a client out, only who
        // asks is limited.
        let limits = Limits { pair: 0, account: 0, ..self.store.policy().limits };
        check_limits(self, &limits, &buckets, None, actor, now).await?;
        let (client, assertion) = match self.client(&client_id, &proof, now).await? {
            Ok(found) => found,
            Err(fault) => return Err(self.refused(fault, &buckets, actor, now).await?),
        };
        if let Err(elsewhere) = check_address(&client.allowed_addresses, actor.context.address) {
            self.record_refused(Some((client.tenant, client.id)), actor).await?;
            return Err(elsewhere.into());
        }
        if client.suspended {
            self.record_refused(Some((client.tenant, client.id)), actor).await?;
            return Err(tenant_suspended().into());
        }
        let subject = match grant_type.as_str() {
            TOKEN_EXCHANGE => Some(self.subject(&client, &subject_token, actor, now).await?),
            _ => None,
        };
        let mut held = client.scopes.clone();
        if let Some(Subject { scopes, .. }) = &subject {
            held.retain(|scope| scopes.contains(scope));
        }
        let scopes = granted(&held, &scope)?;
        let issued = self.issue(&client, assertion.as_ref(), subject.as_ref(), actor).await?;
        let Some(issued) = issued else {
            let fault = (Some((client.tenant, client.id)), "the assertion was used before, or the secret ended");
            return Err(self.refused(fault, &buckets, actor, now).await?);
        };
        self.client_token(issued, &client, subject.as_ref(), scopes)
    }

    /// Records that a token is issued, with its id and time; none if the assertion was used
    /// before, or what the client had has ended since.
    async fn issue(
        &self,
        client: &ClientOfKey,
        assertion: Option<&Assertion>,
        subject: Option<&Subject>,
        actor: &Actor,
    ) -> Result<Option<(Uuid, Timestamp)>, Error> {
        let by = Actor { api_key: Some(client.id), ..actor.clone() };
        Change::run(&self.store, async |change| {
            if !change.hold_client(client).await? {
                change.settle().await?;
                return Ok(None);
            }
            // Its time, by which the token ends that was issued before something else.
            let id = Change::new_id();
            if let Some(Assertion { id, until }) = assertion
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
        client: &ClientOfKey,
        subject: Option<&Subject>,
        scopes: Vec<String>,
    ) -> Result<ClientToken, Error> {
        let (stands_for, lifetime) = match subject {
            None => (StandsFor::Client(client.id), u64::from(CLIENT_LIFETIME)),
            Some(Subject { claims, .. }) => {
                // It ends with the user's token.
                let rest = claims.exp.saturating_sub(at.as_second().unsigned_abs());
                (StandsFor::Delegate(client.id, claims), rest.min(u64::from(CLIENT_LIFETIME)))
            }
        };
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
        let refused = actor.did(AuditAction::TokenExchanged).refused();
        self.store.record(refused.in_tenant(client.tenant).about(client.id)).await?;
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
            return Ok(Err(bad_subject("its user is no member of the client's tenant")));
        };
        Ok(Ok(Subject { scopes: role.scopes(), claims }))
    }

    /// The client that has proved who it is, and the assertion that it did it by; else the
    /// client that was asked for, if there is one, and why not, which is for the log.
    async fn client(
        &self,
        client_id: &str,
        proof: &Proof,
        now: Timestamp,
    ) -> Result<Result<(ClientOfKey, Option<Assertion>), Fault>, Error> {
        let named: Option<ApiKeyId> = ids::parse(client_id);
        let id = match proof {
            Proof::Assertion(assertion) => {
                let claimed = assertions::claimed_client(assertion);
                claimed.filter(|id| client_id.is_empty() || named == Some(*id))
            }
            Proof::Secret(_) | Proof::None => named,
        };
        let found = match id {
            Some(id) => self.store.find_client(id, now).await?,
            None => None,
        };
        let asked_for = found.as_ref().map(|client| (client.tenant, client.id));
        let proved = match proof {
            Proof::None => Err("it sends neither a secret nor an assertion"),
            Proof::Secret(secret) => by_secret(secret, found),
            Proof::Assertion(assertion) => self.by_assertion(assertion, found, now),
        };
        Ok(proved.map_err(|why| (asked_for, why)))
    }

    fn by_assertion(
        &self,
        assertion: &str,
        found: Option<ClientOfKey>,
        now: Timestamp,
    ) -> Result<(ClientOfKey, Option<Assertion>), &'static str> {
        let client = found.ok_or("it names no client, or two")?;
        let keys = client.client_keys.as_ref().ok_or("the client has no keys registered")?;
        let issuer = &self.keyring.issuer().issuer;
        let audiences = [issuer.clone(), format!("{}{TOKEN_ENDPOINT}", issuer.trim_end_matches('/'))];
        let verified = assertions::verify(assertion, client.id, keys, &audiences, now)?;
        Ok((client, Some(verified)))
    }

    /// One answer for every way in which a client can be wrong, which is counted, and told to
    /// the tenant whose client it would be.
    async fn refused(
        &self,
        (asked_for, why): Fault,
        buckets: &Buckets,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<Error, Error> {
        tracing::info!(fault = why, "a client is refused a token");
        let until = now + self.store.policy().limits.window;
        self.store.count_login_failure(buckets, now, until).await?;
        self.record_refused(asked_for, actor).await?;
        Ok(Refusal::new(
            Reason::ClientInvalid,
            "The client is not known here, or has not proved who it is: the client's id is the id of a live API key, its secret the key's text; an assertion is signed with a registered key, for this issuer, and used once.",
        )
        .into())
    }

    /// Whoever asked is nobody: the client is what it was about.
    async fn record_refused(
        &self,
        asked_for: Option<(TenantId, ApiKeyId)>,
        actor: &Actor,
    ) -> Result<(), Error> {
        let refused = actor.did(AuditAction::TokenIssued).refused();
        self.store
            .record(match asked_for {
                Some((tenant, client)) => refused.in_tenant(tenant).about(client),
                None => refused,
            })
            .await
    }
}

/// Whose client it would be, and why it is refused.
type Fault = (Option<(TenantId, ApiKeyId)>, &'static str);

/// A client, if the secret is its own. It is compared whether or not there is such a client.
fn by_secret(
    secret: &str,
    found: Option<ClientOfKey>,
) -> Result<(ClientOfKey, Option<Assertion>), &'static str> {
    let key = KeyText::read(secret).ok_or("the secret has another form")?;
    let none = [0; 32];
    let (current, previous) = found.as_ref().map_or((&none[..], None), |client| {
        (client.secret_hash.as_slice(), client.previous_secret_hash.as_deref())
    });
    let right = key.matches(current) | key.matches(previous.unwrap_or(&none));
    let client = found.filter(|client| right && client.id == key.id);
    client.map(|client| (client, None)).ok_or("there is no such client, or it has another secret")
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
    // What is no scope at all is not repeated.
    let known: Vec<&str> = missing.iter().copied().filter(|scope| TENANT_SCOPES.contains(scope)).collect();
    let named = if known.is_empty() { "what is asked for is no scope".to_owned() } else { known.join(" ") };
    Err(Refusal::new(
        Reason::ScopeNotGranted,
        format!("The client does not have all the scopes that it asks for: {named}. Ask for scopes of its API key, which the user must have too for whom it acts, or for none to get them all."),
    )
    .with("missing", known.join(" ")))
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

impl std::fmt::Debug for Proof {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            Self::None => "None",
            Self::Secret(_) => "Secret(…)",
            Self::Assertion(_) => "Assertion(…)",
        })
    }
}
