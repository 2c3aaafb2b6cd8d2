//! Users: created, edited, disabled, deleted, given passwords.

use std::net::IpAddr;

use zeroize::Zeroizing;

use super::held::{session_over, still_held_on_platform, still_held_over};
use super::invitation::end_offers;
use super::platform_scopes::{check_operator_stays, keys_left};
use super::sessions::Sessions;
use crate::actor::Actor;
use crate::credential::password::Passwords;
use crate::credential::password_rules::check_new;
use crate::domain::audit::AuditAction;
use crate::domain::email::Email;
use crate::domain::ids::{SessionId, UserId};
use crate::domain::invitation::StillOffers;
use crate::domain::scopes::{Holds, MANAGE_USERS, OPERATE};
use crate::domain::session::{EndedBecause, Which};
use crate::domain::user::{Login, User, UserKind};
use crate::domain::{field, scopes};
use crate::error::{Error, Existing, Reason, Refusal};
use crate::store::{Change, Store};

/// A user to create.
#[derive(Debug)]
pub struct NewUser {
    /// Its id.
    pub id: UserId,
    /// Its e-mail address, as somebody wrote it.
    pub email: String,
    /// Name shown to people; may be empty.
    pub display_name: String,
    /// What kind of user it is.
    pub kind: UserKind,
    /// Without one the user cannot sign in.
    pub password: Option<Zeroizing<String>>,
    /// Scopes held outside tenants.
    pub platform_scopes: Vec<String>,
}

/// Creates a user.
pub async fn create(
    store: &Store,
    passwords: &Passwords,
    new: NewUser,
    actor: &Actor,
) -> Result<User, Error> {
    let NewUser { id, email, display_name, kind, password, platform_scopes } = new;
    let email = Email::checked(&email)?;
    let display_name = field::name("display_name", &display_name, true)?;
    let platform_scopes = scopes::of_platform(platform_scopes)?;
    if store.find_login(&email).await?.is_some() {
        return Err(Error::AlreadyExists(Existing::User));
    }
    let hash = match password {
        Some(password) => {
            check_may_set(store, kind, actor)?;
            check_new("password", &password, email.as_str())?;
            Some(passwords.hash(password, actor.context.address).await?)
        }
        None => None,
    };
    Change::run(store, async |change| {
        // A password with its queue came between the call and this.
        still_held_on_platform(&change, actor, MANAGE_USERS).await?.check(&platform_scopes)?;
        let user = User {
            id,
            email: email.as_str().to_owned(),
            display_name: display_name.clone(),
            kind,
            created_at: change.at(),
            disabled_at: None,
            email_confirmed_at: None,
        };
        let stored = change.insert_user(&user, hash.as_deref(), &platform_scopes).await?;
        change.finish(actor.did(AuditAction::UserCreated).about(stored.id)).await?;
        Ok(stored)
    })
    .await
}

/// Gives a user another name.
pub async fn rename(store: &Store, id: UserId, name: &str, actor: &Actor) -> Result<User, Error> {
    let name = field::name("display_name", name, false)?;
    Change::run(store, async |change| {
        let user = change.rename_user(id, &name).await?.ok_or_else(session_over)?;
        change.finish(actor.did(AuditAction::UserRenamed)).await?;
        Ok(user)
    })
    .await
}

/// Disables a user and ends all its sessions and links, and for good what it offered where it is no
/// member who may; one who is disabled stays so. The last owner of a tenant is disabled only where
/// that is said; what the last operator is, `changes/platform_scopes.rs` says.
pub async fn disable(
    store: &Store,
    id: UserId,
    even_if_last_owner: bool,
    actor: &Actor,
) -> Result<User, Error> {
    Change::run(store, async |change| {
        let operators = change.lock_operators().await?;
        // Users before memberships, as whoever changes something in a tenant.
        still_held_over(&change, id, actor).await?;
        let Login { user, .. } = change.get_login(id).await?.ok_or(Error::UserNotFound)?;
        if user.disabled_at.is_some() {
            return Ok(user);
        }
        check_operator_stays(&operators, id, actor)?;
        check_owners_stay(&change, id, even_if_last_owner).await?;
        let user = change.disable_user(id).await?.ok_or(Error::UserNotFound)?;
        change.end_sessions(id, Which::All, EndedBecause::UserDisabled).await?;
        // Or one would work again with the user, and could give the account away.
        change.end_links(id).await?;
        end_offers(&change, id, StillOffers::AsMember, actor).await?;
        let left = keys_left(&change, id).await?;
        change.finish(actor.did(AuditAction::UserDisabled).done_to(id).beside(left)).await?;
        Ok(user)
    })
    .await
}

/// Gives a user another name, at the hand of somebody else.
pub async fn edit(store: &Store, id: UserId, name: &str, actor: &Actor) -> Result<User, Error> {
    let name = field::name("display_name", name, false)?;
    Change::run(store, async |change| {
        still_managed(&change, actor).await?;
        let user = change.edit_user(id, &name).await?.ok_or(Error::UserNotFound)?;
        change.finish(actor.did(AuditAction::UserRenamed).done_to(id)).await?;
        Ok(user)
    })
    .await
}

/// Forgives failed logins and wrong second factors: of the account, and failed logins from an
/// address if it is named.
pub async fn unlock(
    sessions: &Sessions,
    id: UserId,
    address: Option<IpAddr>,
    actor: &Actor,
) -> Result<(), Error> {
    let (user, _) = sessions.store.get_user(id).await?.ok_or(Error::UserNotFound)?;
    let email = Email::read(&user.email)?;
    let buckets = sessions.buckets.attempt(email.as_str(), address);
    let proofs = sessions.buckets.proof(id, SessionId::default());
    Change::run(&sessions.store, async |change| {
        still_managed(&change, actor).await?;
        change.forgive_account(&buckets, &proofs.user).await?;
        change.finish(actor.did(AuditAction::UserUnlocked).done_to(id)).await?;
        Ok(())
    })
    .await
}

/// Deletes a user: ends sessions and memberships, and forgets who it was. Events go on naming
/// its id, which leads to nobody.
pub async fn delete(store: &Store, id: UserId, even_if_last_owner: bool, actor: &Actor) -> Result<(), Error> {
    Change::run(store, async |change| {
        let operators = change.lock_operators().await?;
        still_held_over(&change, id, actor).await?;
        check_operator_stays(&operators, id, actor)?;
        check_owners_stay(&change, id, even_if_last_owner).await?;
        let of = change.get_login(id).await?.ok_or(Error::UserNotFound)?;
        change.end_sessions(id, Which::All, EndedBecause::UserDisabled).await?;
        end_offers(&change, id, StillOffers::Nowhere, actor).await?;
        // Told to the tenants of the user as long as it has some.
        let left = keys_left(&change, id).await?;
        change.note(&actor.did(AuditAction::UserDeleted).done_to(id).beside(left)).await?;
        if !change.forget_user(id, &Email::read(&of.user.email)?).await? {
            return Err(Error::UserNotFound);
        }
        Ok(change.settle().await?)
    })
    .await
}

/// Refuses who manages users no more.
async fn still_managed(change: &Change, actor: &Actor) -> Result<(), Error> {
    // Before any of them: the user may be one.
    change.lock_operators().await?;
    still_held_on_platform(change, actor, MANAGE_USERS).await.map(drop)
}

/// Refuses to take away the last owner of a tenant unless that is said. The user has been locked,
/// so that a membership that was being made is seen.
async fn check_owners_stay(change: &Change, id: UserId, even_if_last_owner: bool) -> Result<(), Error> {
    let left = change.left_without_owner(id).await?;
    if left.is_empty() || even_if_last_owner { Ok(()) } else { Err(leaves_no_owner(&left)) }
}

/// Lets a user sign in again; one who may stays so.
pub async fn enable(store: &Store, id: UserId, actor: &Actor) -> Result<User, Error> {
    Change::run(store, async |change| {
        still_held_over(&change, id, actor).await?;
        let Login { user, .. } = change.get_login(id).await?.ok_or(Error::UserNotFound)?;
        if user.disabled_at.is_none() {
            return Ok(user);
        }
        let user = change.enable_user(id).await?.ok_or(Error::UserNotFound)?;
        change.finish(actor.did(AuditAction::UserEnabled).done_to(id)).await?;
        Ok(user)
    })
    .await
}

/// Sets a password and ends all the user's sessions; returns how many. Whoever sets the
/// password of an owner can be the owner, so that takes an operator. Where letters are sent,
/// people set theirs by a link, and nobody else does.
pub async fn set_password(
    store: &Store,
    passwords: &Passwords,
    id: UserId,
    password: Zeroizing<String>,
    actor: &Actor,
) -> Result<i64, Error> {
    let (user, _) = store.get_user(id).await?.ok_or(Error::UserNotFound)?;
    check_may_set(store, user.kind, actor)?;
    check_new("password", &password, &user.email)?;
    let hash = passwords.hash(password, actor.context.address).await?;
    Change::run(store, async |change| {
        let holds = still_held_over(&change, id, actor).await?;
        if change.is_owner(id).await? {
            holds.check([&OPERATE.to_owned()])?;
        }
        if !change.set_password(id, &hash, None).await? {
            return Err(Error::UserNotFound);
        }
        change.keep_passkeys_beside(id).await?;
        let ended = change.end_sessions(id, Which::All, EndedBecause::PasswordChanged).await?;
        change.finish(actor.did(AuditAction::PasswordSet).done_to(id)).await?;
        Ok(ended)
    })
    .await
}

/// Where letters are sent, people set their passwords by a link: whoever sets that of somebody
/// else can be that person. Commands are of whoever has the database.
fn check_may_set(store: &Store, kind: UserKind, actor: &Actor) -> Result<(), Refusal> {
    let is_command = matches!(actor.holds, Holds::Everything);
    if kind == UserKind::Service || store.policy().mail.is_none() || is_command {
        return Ok(());
    }
    Err(Refusal::new(
        Reason::PasswordByRecovery,
        "A person's password is set by that person alone. Nothing was changed: POST /v1/auth/recovery with the address of the user sends a link that sets one.",
    ))
}

fn leaves_no_owner(tenants: &[String]) -> Error {
    let sentence = format!(
        "Without this user no owner who can sign in is left in {}. Nothing was changed: make somebody else an owner first, or say even_if_last_owner.",
        tenants.join(", ")
    );
    Refusal::new(Reason::LastOwner, sentence).into()
}
