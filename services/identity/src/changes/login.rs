//! Login: an address and a password for a session.

use jiff::Timestamp;
use zeroize::Zeroizing;

use super::password::Sent;
use super::recovery::link_invalid;
use super::sessions::{Granted, Sessions, Tokens};
use crate::actor::{Actor, AuditEvent};
use crate::credential::one_time_token;
use crate::credential::refresh_token::RefreshToken;
use crate::domain::audit::AuditAction;
use crate::domain::email::Email;
use crate::domain::field::InvalidField;
use crate::domain::ids::SessionId;
use crate::domain::one_time_token::Purpose;
use crate::domain::proof::{Method, Proofs};
use crate::domain::session::NewSession;
use crate::domain::user::Login;
use crate::error::Error;
use crate::store::Change;

impl Sessions {
    /// Starts a session.
    pub async fn login(
        &self,
        email: &Email,
        password: Zeroizing<String>,
        actor: &Actor,
        clock: fn() -> Timestamp,
    ) -> Result<Tokens, Error> {
        if email.as_str().is_empty() {
            return Err(InvalidField::new("email", "is needed").into());
        }
        let found = self.store.find_login(email).await?;
        let login = actor.did(AuditAction::Login).by(found.as_ref().map(|login| login.user.id));
        let sent = Sent { field: "password", email: email.as_str(), password };
        let checked = self.check(sent, found, actor, clock).await?;
        let Some(checked) = checked.filter(|checked| checked.user.disabled_at.is_none()) else {
            self.store.record(login.refused()).await?;
            return Err(Error::LoginFailed);
        };
        let started = Change::run(&self.store, async |change| {
            start(change, &checked, Method::Password, actor, login.clone()).await
        });
        match started.await? {
            Some(granted) => self.tokens(granted),
            None => Err(Error::LoginFailed),
        }
    }

    /// Starts a session by a link that recovers a password, and uses the link up.
    pub async fn sign_in_by_link(&self, token: &str, actor: &Actor) -> Result<Tokens, Error> {
        let hash = one_time_token::read(token).ok_or_else(link_invalid)?;
        let started = Change::run(&self.store, async |change| {
            let id = change.use_one_time_token(&hash, Purpose::Recover).await?.ok_or_else(link_invalid)?;
            let login = change.get_login(id).await?.ok_or_else(link_invalid)?;
            change.confirm_email(id, &login.user.email).await?;
            let event = actor.did(AuditAction::Login).by(Some(id));
            start(change, &login, Method::Link, actor, event).await
        });
        self.tokens(started.await?.ok_or_else(link_invalid)?)
    }
}

/// Starts a session. Nothing when the user was disabled, or got another password, in the
/// meantime.
async fn start(
    change: Change,
    checked: &Login,
    by: Method,
    actor: &Actor,
    login: AuditEvent<'_>,
) -> Result<Option<Granted>, Error> {
    let id = SessionId(Change::new_id());
    let session = NewSession {
        id,
        user: checked.user.id,
        address: &actor.context.address_text(),
        user_agent: &actor.context.user_agent,
        password_version: checked.password_version,
        by,
    };
    if !change.insert_session(&session).await? {
        change.finish(login.refused()).await?;
        return Ok(None);
    }
    let granted = Granted {
        user: checked.user.clone(),
        factors: change.list_factors(checked.user.id).await?,
        refresh: RefreshToken { session: id, counter: 0 },
        access_id: Change::new_id(),
        proofs: Proofs::beginning(by, change.at()),
        at: change.at(),
    };
    change.finish(login.in_session(id)).await?;
    Ok(Some(granted))
}
