//! Links of subjects of other issuers to users: made and ended.

use crate::actor::Actor;
use crate::domain::audit::AuditAction;
use crate::domain::ids::UserId;
use crate::domain::user_link::Subject;
use crate::error::{Error, Existing, Reason, Refusal};
use crate::store::{Change, Store};

/// Makes a subject a user.
pub async fn link(store: &Store, user: UserId, of: &Subject, actor: &Actor) -> Result<(), Error> {
    Change::run(store, async |change| {
        if !change.insert_user_link(of, user).await? {
            return Err(Error::AlreadyExists(Existing::UserLink));
        }
        change.finish(actor.did(AuditAction::UserLinked).about(format!("{user} {of}"))).await?;
        Ok(())
    })
    .await
}

/// Ends the link of a subject.
pub async fn unlink(store: &Store, of: &Subject, actor: &Actor) -> Result<(), Error> {
    Change::run(store, async |change| {
        let Some(user) = change.delete_user_link(of).await? else {
            let sentence = "The subject of this issuer is linked to no user. `frontdesk user links` lists those of a user.";
            return Err(Refusal::new(Reason::UserNotFound, sentence).into());
        };
        change.finish(actor.did(AuditAction::UserUnlinked).about(format!("{user} {of}"))).await?;
        Ok(())
    })
    .await
}
