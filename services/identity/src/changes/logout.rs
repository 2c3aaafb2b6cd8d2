//! Logout: a user ends sessions of their own.

use crate::actor::{Actor, SignedIn};
use crate::domain::audit::AuditAction;
use crate::domain::ids::SessionId;
use crate::domain::session::{EndedBecause, Which};
use crate::error::{Error, Reason, Refusal};
use crate::store::{Change, Store};

/// Which sessions a logout ends.
#[derive(Debug, Clone, Copy)]
pub enum LogoutScope {
    /// The one of the call.
    Local,
    /// All but the one of the call.
    Others,
    /// All.
    Global,
}

/// Ends sessions of a user and returns how many.
pub async fn logout(store: &Store, by: SignedIn, scope: LogoutScope, actor: &Actor) -> Result<i64, Error> {
    let (which, word) = match scope {
        LogoutScope::Local => (Which::One(by.session), "local"),
        LogoutScope::Others => (Which::AllBut(by.session), "others"),
        LogoutScope::Global => (Which::All, "global"),
    };
    Change::run(store, async |change| {
        if !matches!(scope, LogoutScope::Local) {
            // The user before several sessions; and a link that is being stored is waited for.
            change.lock_factors_of(by.user).await?;
        }
        if matches!(scope, LogoutScope::Global) {
            change.end_links(by.user).await?;
        }
        let ended = change.end_sessions(by.user, which, EndedBecause::Logout).await?;
        change.finish(actor.did(AuditAction::Logout).about(word)).await?;
        Ok(ended)
    })
    .await
}

/// Ends one session of a user.
pub async fn revoke(store: &Store, by: SignedIn, session: SessionId, actor: &Actor) -> Result<(), Error> {
    Change::run(store, async |change| {
        let ended = change.end_sessions(by.user, Which::One(session), EndedBecause::Revoked).await?;
        if ended == 0 {
            return Err(Refusal::new(
                Reason::SessionNotFound,
                "You have no live session with this id. GET /v1/auth/sessions lists them.",
            )
            .into());
        }
        change.finish(actor.did(AuditAction::SessionRevoked).about(session)).await?;
        Ok(())
    })
    .await
}
