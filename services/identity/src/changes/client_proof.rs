//! How a client, which is an API key, proves who it is at the token endpoint: by the secret of
//! the key, or by an assertion; and what whoever does not gets.

use std::fmt;

use jiff::Timestamp;
use zeroize::Zeroizing;

use super::repeats::Refused;
use super::sessions::Sessions;
use crate::actor::Actor;
use crate::credential::api_key::KeyText;
use crate::domain::api_key::ClientOfKey;
use crate::domain::audit::AuditAction;
use crate::domain::ids::{self, ApiKeyId, TenantId};
use crate::domain::limits::Limits;
use crate::error::{Error, Reason, Refusal};
use crate::trust::assertions::{self, Assertion};
use crate::trust::got_by::{self, Gone};

/// What kind of assertion is taken.
pub const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// Where tokens are issued, under the address of the issuer.
pub const TOKEN_ENDPOINT: &str = "/oauth/token";

/// How a client proves who it is.
pub enum Proof {
    /// By nothing that is taken.
    None,
    /// By its secret.
    Secret(Zeroizing<String>),
    /// By an assertion.
    Assertion(Zeroizing<String>),
}

/// A client that has proved who it is.
pub(super) struct Proved {
    pub(super) client: ClientOfKey,
    /// How its tokens name what it did that by.
    pub(super) got_by: String,
    /// Until when that is good.
    pub(super) until: Option<Timestamp>,
    /// The assertion, which is used once.
    pub(super) assertion: Option<Assertion>,
}

/// Whose client it would be, and why it is refused.
pub(super) type Fault = (Option<(TenantId, ApiKeyId)>, &'static str);

impl Sessions {
    /// The client that has proved who it is; else the client that was asked for, if there is
    /// one, and why not, which is for the log.
    pub(super) async fn client(
        &self,
        client_id: &str,
        proof: &Proof,
        now: Timestamp,
    ) -> Result<Result<Proved, Fault>, Error> {
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
    ) -> Result<Proved, &'static str> {
        let client = found.ok_or("it names no client, or two")?;
        let keys = client.client_keys.as_ref().ok_or("the client has no keys registered")?;
        let issuer = &self.keyring.issuer().issuer;
        let audiences = [issuer.clone(), format!("{}{TOKEN_ENDPOINT}", issuer.trim_end_matches('/'))];
        let verified = assertions::verify(assertion, client.id, keys, &audiences, now)?;
        let (got_by, until) = (verified.key.clone(), client.expires_at);
        Ok(Proved { client, got_by, until, assertion: Some(verified) })
    }

    /// One answer for every way in which a client can be wrong, which is counted, and told to
    /// the tenant whose client it would be. Another one comes from an address that has failed
    /// too often. Nobody guesses a secret of 256 bits, so a client that proves who it is gets
    /// its token, whatever others behind its address or under its name do.
    pub(super) async fn not_proved(
        &self,
        (asked_for, why): Fault,
        client_id: &str,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<Error, Error> {
        tracing::info!(fault = why, "a client is refused a token");
        let buckets = self.buckets.client(client_id, actor.context.address);
        let limits = Limits { pair: 0, account: 0, ..self.store.policy().limits };
        self.check_limits(&limits, &buckets, None, actor, now).await?;
        self.store.count_login_failure(&buckets, now, now + limits.window).await?;
        // Whoever asked is nobody: the client is what it was about.
        let limit = match asked_for {
            Some((_, client)) => format!("CLIENT_INVALID {client}"),
            None => format!("CLIENT_INVALID from {}", actor.context.address_text()),
        };
        let refused = Refused::Client(AuditAction::TokenIssued, asked_for);
        self.refuse(limit.as_bytes(), now + limits.window, refused, actor).await?;
        Ok(Refusal::new(
            Reason::ClientInvalid,
            "The client is not known here, or has not proved who it is: the client's id is the id of a live API key, its secret the key's text; an assertion is signed with a registered key, for this issuer, and used once.",
        )
        .into())
    }

    /// Records that a client that has proved who it is does not get what it asks for: a machine
    /// that asks again and again does not fill the log of its tenant.
    pub(super) async fn record_refused(
        &self,
        client: &ClientOfKey,
        action: AuditAction,
        reason: Reason,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<(), Error> {
        let limit = format!("{} {}", reason.name(), client.id);
        let until = now + self.store.policy().limits.window;
        let refused = Refused::Client(action, Some((client.tenant, client.id)));
        self.refuse(limit.as_bytes(), until, refused, actor).await
    }
}

impl fmt::Debug for Proof {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::None => "None",
            Self::Secret(_) => "Secret(…)",
            Self::Assertion(_) => "Assertion(…)",
        })
    }
}

/// A client, if the secret is its own. It is compared whether or not there is such a client.
fn by_secret(secret: &str, found: Option<ClientOfKey>) -> Result<Proved, &'static str> {
    let key = KeyText::read(secret).ok_or("the secret has another form")?;
    let none = [0; 32];
    let (current, previous) = found.as_ref().map_or((&none[..], None), |client| {
        (client.secret_hash.as_slice(), client.previous_secret_hash.as_deref())
    });
    let right = key.matches(current) | key.matches(previous.unwrap_or(&none));
    let client = found.filter(|client| right && client.id == key.id);
    let client = client.ok_or("there is no such client, or it has another secret")?;
    let got_by = got_by::secret(&key.secret_hash);
    let until = got_by::until(&client, &got_by).map_err(|Gone| "its secret is over")?;
    Ok(Proved { client, got_by, until, assertion: None })
}
