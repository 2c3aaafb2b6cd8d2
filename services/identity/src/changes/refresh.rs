//! Refresh: a refresh token for its successor.
//!
//! A token one behind is exchanged for the same successor for 10 s, or until the
//! successor was seen in use; the access token carries the counter so that its use
//! counts too. Otherwise a thief and the user could alternate without an end.

use super::sessions::{Granted, Sessions, Tokens};
use crate::actor::Actor;
use crate::credential::refresh_token::RefreshToken;
use crate::domain::audit::AuditAction;
use crate::domain::rotation::{self, Verdict};
use crate::domain::session::EndedBecause;
use crate::error::{Error, Reason, Refusal};
use crate::store::Change;

impl Sessions {
    /// Exchanges a refresh token. The end of a misused session is committed
    /// although the call fails. An access token that is used first counts as one of before:
    /// otherwise its use would say that the successor arrived, which may be lost.
    pub async fn refresh(
        &self,
        text: &str,
        access_is_used_first: bool,
        actor: &Actor,
    ) -> Result<Tokens, Error> {
        let token = self.refresh_tokens.read(text).ok_or(Error::RefreshTokenInvalid)?;
        boot::note_holder();
        let granted = Change::run(&self.store, async |change| exchange(change, token, actor).await);
        let granted = granted.await?;
        if access_is_used_first { self.tokens_counting_as(token, granted) } else { self.tokens(granted) }
    }
}

async fn exchange(change: Change, token: RefreshToken, actor: &Actor) -> Result<Granted, Error> {
    let (at, access_id) = (change.at(), Change::new_id());
    let Some((session, user)) = change.lock_session(token.session).await? else {
        return Err(Error::RefreshTokenInvalid);
    };
    let factors = change.list_factors(user.id).await?;
    let counter = match rotation::judge(&session, token.counter, at) {
        Verdict::Rotate => {
            let rotated = change.rotate_session(token.session, token.counter).await?;
            rotated.ok_or(Error::RefreshTokenInvalid)?
        }
        Verdict::Repeat => {
            change.settle().await?;
            session.counter
        }
        Verdict::Reused => {
            change.end_session(token.session, EndedBecause::RefreshTokenReused).await?;
            let reused = actor.did(AuditAction::RefreshTokenReused).refused();
            change.finish(reused.by(Some(user.id)).in_session(token.session)).await?;
            tracing::warn!(session = %token.session, "refresh token reused, session ended");
            return Err(used_before().into());
        }
        Verdict::Superseded => {
            change.settle().await?;
            return Err(superseded().into());
        }
        Verdict::Ended => return Err(Error::RefreshTokenInvalid),
    };
    let (refresh, proofs) = (RefreshToken { counter, ..token }, session.proofs);
    Ok(Granted { user, factors, refresh, access_id, proofs, at })
}

fn superseded() -> Refusal {
    Refusal::new(
        Reason::RefreshTokenInvalid,
        "A proof in the session has just given it other tokens, which take the place of this one. Go on with those; the session goes on.",
    )
    .with("session", "open")
}

fn used_before() -> Refusal {
    Refusal::new(
        Reason::RefreshTokenReused,
        "The refresh token had been used before, so somebody else may hold it; the session has been ended. Sign in again.",
    )
}
