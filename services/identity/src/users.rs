//! Users: created, disabled, given passwords.

use frontdesk_proto::{ErrorReason, Refusal};
use jiff::Timestamp;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::actor::Actor;
use crate::domain::email::normalised_email;
use crate::domain::roles::PLATFORM_SCOPES;
use crate::error::Error;
use crate::password::{Passwords, check_new};
use crate::store::{Store, UserKind, UserRow};

/// Longest name shown to people, in characters.
pub const MAX_NAME: usize = 200;
/// Longest e-mail address in bytes (RFC 5321).
const MAX_EMAIL: usize = 254;

/// A user to create.
#[derive(Debug)]
pub struct NewUser {
    pub id: Uuid,
    pub email: String,
    pub display_name: String,
    pub kind: UserKind,
    /// Without one the user cannot sign in.
    pub password: Option<Zeroizing<String>>,
    pub platform_scopes: Vec<String>,
}

/// Creates a user.
pub async fn create(
    store: &Store,
    passwords: &Passwords,
    new: NewUser,
    actor: &Actor,
) -> Result<UserRow, Error> {
    let email = checked_email(&new.email)?;
    let display_name = checked_name("display_name", &new.display_name, true)?;
    let mut scopes = new.platform_scopes;
    scopes.sort();
    scopes.dedup();
    if scopes.iter().any(|scope| !PLATFORM_SCOPES.contains(&scope.as_str())) {
        return Err(Refusal::field("platform_scopes", format!("takes {}", PLATFORM_SCOPES.join(", "))).into());
    }
    let hash = match new.password {
        Some(password) => {
            check_new("password", &password)?;
            Some(passwords.hash(password).await?)
        }
        None => None,
    };
    let now = Timestamp::now();
    let user =
        UserRow { id: new.id, email, display_name, kind: new.kind, created_at: now, disabled_at: None };
    let tx = store.begin().await?;
    let stored = store.insert_user(&tx, &user, hash.as_deref(), &scopes).await.map_err(|fault| {
        if fault.on_constraint("users_email_key") || fault.on_constraint("users_pkey") {
            Error::Refused(exists("A user with this e-mail address exists."))
        } else {
            fault.into()
        }
    })?;
    store.audit_and_commit(tx, actor.event("user_created", None, stored.id), now).await?;
    Ok(stored)
}

/// Disables a user and ends all its sessions.
pub async fn disable(store: &Store, id: Uuid, actor: &Actor) -> Result<UserRow, Error> {
    let now = Timestamp::now();
    let tx = store.begin().await?;
    let user = store.disable_user(&tx, id, now).await?.ok_or_else(not_found)?;
    store.end_sessions(&tx, id, Uuid::nil(), now, "global", "user_disabled").await?;
    store.audit_and_commit(tx, actor.event("user_disabled", None, id), now).await?;
    Ok(user)
}

/// Lets a user sign in again.
pub async fn enable(store: &Store, id: Uuid, actor: &Actor) -> Result<UserRow, Error> {
    let tx = store.begin().await?;
    let user = store.enable_user(&tx, id).await?.ok_or_else(not_found)?;
    store.audit_and_commit(tx, actor.event("user_enabled", None, id), Timestamp::now()).await?;
    Ok(user)
}

/// Sets a password and ends all the user's sessions; returns how many.
pub async fn set_password(
    store: &Store,
    passwords: &Passwords,
    id: Uuid,
    password: Zeroizing<String>,
    actor: &Actor,
) -> Result<i64, Error> {
    check_new("password", &password)?;
    let hash = passwords.hash(password).await?;
    let now = Timestamp::now();
    let tx = store.begin().await?;
    if !store.set_password(&tx, id, &hash, None).await? {
        return Err(not_found().into());
    }
    let ended = store.end_sessions(&tx, id, Uuid::nil(), now, "global", "password_changed").await?;
    store.audit_and_commit(tx, actor.event("password_set", None, id), now).await?;
    Ok(ended)
}

/// The refusal for an unknown user.
pub fn not_found() -> Refusal {
    Refusal::new(ErrorReason::UserNotFound, "There is no such user. GET /v1/users lists them.")
}

/// The refusal for something that is there already.
pub fn exists(sentence: &str) -> Refusal {
    Refusal::new(ErrorReason::AlreadyExists, format!("{sentence} Nothing was stored."))
}

/// A name for people, trimmed.
pub fn checked_name(field: &str, name: &str, may_be_empty: bool) -> Result<String, Refusal> {
    let name = name.trim();
    let fits = name.chars().count() <= MAX_NAME && !name.chars().any(char::is_control);
    if fits && (may_be_empty || !name.is_empty()) {
        return Ok(name.to_owned());
    }
    let least = u8::from(!may_be_empty);
    Err(Refusal::field(field, format!("takes {least} to {MAX_NAME} characters, no control characters")))
}

fn checked_email(email: &str) -> Result<String, Refusal> {
    let email = normalised_email(email);
    let shaped = email.len() <= MAX_EMAIL
        && !email.chars().any(|char| char.is_control() || char.is_whitespace())
        && email
            .split_once('@')
            .is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty() && !domain.contains('@'));
    if shaped { Ok(email) } else { Err(Refusal::field("email", "must be an e-mail address")) }
}
