//! A user proves again, by the password, to be that user.

use jiff::Timestamp;
use zeroize::Zeroizing;

use super::factor::own_session;
use super::held::session_over;
use super::password::Sent;
use super::sessions::{Granted, Sessions, Tokens};
use crate::actor::{Actor, SignedIn};
use crate::credential::refresh_token::RefreshToken;
use crate::domain::audit::AuditAction;
use crate::error::Error;
use crate::store::Change;

impl Sessions {
    /// Notes the proof with the session, and makes its next tokens.
    pub async fn reauthenticate(
        &self,
        by: SignedIn,
        password: Zeroizing<String>,
        actor: &Actor,
        clock: fn() -> Timestamp,
    ) -> Result<Tokens, Error> {
        own_session(by)?;
        let found = self.store.get_login(by.user).await?;
        let email = found.as_ref().map(|login| login.user.email.clone()).unwrap_or_default();
        let sent = Sent { field: "current_password", email: &email, password };
        let proved = actor.did(AuditAction::Reauthenticated);
        let Some(login) = self.check(sent, found, actor, clock).await? else {
            self.store.record(proved.refused()).await?;
            return Err(Error::PasswordWrong);
        };
        let granted = Change::run(&self.store, async |change| {
            let (at, access_id) = (change.at(), Change::new_id());
            let again = change.prove_session_again(by.session, by.user).await?;
            let (counter, proofs) = again.ok_or_else(session_over)?;
            let factors = change.list_factors(by.user).await?;
            change.finish(proved.clone()).await?;
            let refresh = RefreshToken { session: by.session, counter };
            Ok(Granted { user: login.user.clone(), factors, refresh, access_id, proofs, at })
        });
        self.tokens(granted.await?)
    }
}
