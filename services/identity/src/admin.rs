//! What an operator at the database does: the same use cases as over the API,
//! without a caller. Creating what is there already changes nothing.

use frontdesk_proto::ErrorReason;
use jiff::Timestamp;
use pg::Database;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::actor::Actor;
use crate::api_keys::{self, NewApiKey};
use crate::domain::email::normalised_email;
use crate::error::Error;
use crate::keyring;
use crate::password::{PasswordCost, Passwords};
use crate::secrets::{ApiKey, Secrets};
use crate::store::Store;
use crate::tenants::{self, Holds};
use crate::users::{self, NewUser, not_found};

pub use crate::keyring::Rotated;
pub use crate::store::{ApiKeyRow, KeyState, MemberRow, SigningKeyRow, TenantRow, UserKind, UserRow};

/// The use cases over a database.
#[derive(Debug, Clone)]
pub struct Admin {
    store: Store,
    passwords: Passwords,
}

/// Something that should exist, and whether it was made now.
#[derive(Debug)]
pub struct Ensured<T> {
    pub value: T,
    pub created: bool,
}

/// A user that should exist. An existing one stays as it is.
#[derive(Debug)]
pub struct WantedUser {
    pub id: Uuid,
    pub email: String,
    pub display_name: String,
    pub kind: UserKind,
    pub password: Option<Zeroizing<String>>,
    pub platform_scopes: Vec<String>,
}

impl Admin {
    /// The database as identity's role.
    pub fn new(database: Database) -> Result<Self, Error> {
        Ok(Self { store: Store::new(database), passwords: Passwords::new(PasswordCost::default())? })
    }

    pub async fn ensure_user(&self, wanted: WantedUser) -> Result<Ensured<UserRow>, Error> {
        let WantedUser { id, email, display_name, kind, password, platform_scopes } = wanted;
        if let Some(row) = self.store.find_login(&normalised_email(&email)).await? {
            return Ok(Ensured { value: row.user, created: false });
        }
        let new = NewUser { id, email: email.clone(), display_name, kind, password, platform_scopes };
        match users::create(&self.store, &self.passwords, new, &Actor::operator()).await {
            Ok(value) => Ok(Ensured { value, created: true }),
            // Made at the same moment by somebody else.
            Err(error) if is(&error, ErrorReason::AlreadyExists) => self.user(&email).await.map(existing),
            Err(error) => Err(error),
        }
    }

    pub async fn set_password(&self, email: &str, password: Zeroizing<String>) -> Result<i64, Error> {
        let user = self.user(email).await?;
        users::set_password(&self.store, &self.passwords, user.id, password, &Actor::operator()).await
    }

    pub async fn disable_user(&self, email: &str) -> Result<UserRow, Error> {
        users::disable(&self.store, self.user(email).await?.id, &Actor::operator()).await
    }

    pub async fn enable_user(&self, email: &str) -> Result<UserRow, Error> {
        users::enable(&self.store, self.user(email).await?.id, &Actor::operator()).await
    }

    /// Users after an e-mail address and id.
    pub async fn list_users(&self, after: (&str, Uuid), limit: i64) -> Result<Vec<UserRow>, Error> {
        Ok(self.store.list_users(after, limit).await?)
    }

    pub async fn ensure_tenant(&self, id: Uuid, slug: &str, name: &str) -> Result<Ensured<TenantRow>, Error> {
        if let Some(value) = self.store.find_tenant(slug).await? {
            return Ok(existing(value));
        }
        match tenants::create(&self.store, id, slug, name, &Actor::operator()).await {
            Ok(value) => Ok(Ensured { value, created: true }),
            Err(error) if is(&error, ErrorReason::AlreadyExists) => self.tenant(slug).await.map(existing),
            Err(error) => Err(error),
        }
    }

    /// Tenants after a slug and id.
    pub async fn list_tenants(&self, after: (&str, Uuid), limit: i64) -> Result<Vec<TenantRow>, Error> {
        Ok(self.store.list_tenants(after, limit).await?)
    }

    /// A tenant by its slug or id.
    pub async fn tenant(&self, name: &str) -> Result<TenantRow, Error> {
        let found = match Uuid::try_parse(name) {
            Ok(id) => self.store.get_tenant(id).await?,
            Err(_) => self.store.find_tenant(name).await?,
        };
        Ok(found.ok_or_else(tenants::tenant_not_found)?)
    }

    /// Makes a user a member with this role; a member gets the role.
    pub async fn ensure_member(
        &self,
        tenant: Uuid,
        email: &str,
        role: &str,
    ) -> Result<Ensured<MemberRow>, Error> {
        let (user, actor) = (self.user(email).await?.id, Actor::operator());
        match tenants::add_member(&self.store, tenant, user, role, Holds::Everything, &actor).await {
            Ok(value) => Ok(Ensured { value, created: true }),
            Err(error) if is(&error, ErrorReason::AlreadyExists) => {
                tenants::change_role(&self.store, tenant, user, role, Holds::Everything, &actor)
                    .await
                    .map(existing)
            }
            Err(error) => Err(error),
        }
    }

    pub async fn remove_member(&self, tenant: Uuid, email: &str) -> Result<(), Error> {
        let user = self.user(email).await?.id;
        tenants::remove_member(&self.store, tenant, user, Holds::Everything, &Actor::operator()).await
    }

    /// Members after an e-mail address and id.
    pub async fn list_members(
        &self,
        tenant: Uuid,
        after: (&str, Uuid),
        limit: i64,
    ) -> Result<Vec<MemberRow>, Error> {
        Ok(self.store.list_members(tenant, after, limit).await?)
    }

    /// A live key with this name, or a new one with its secret, which cannot be
    /// shown again.
    pub async fn ensure_api_key(
        &self,
        tenant: Uuid,
        name: &str,
        scopes: Vec<String>,
    ) -> Result<(ApiKeyRow, Option<String>), Error> {
        let now = Timestamp::now();
        let live = |key: &ApiKeyRow| key.revoked_at.is_none() && key.expires_at.is_none_or(|at| at > now);
        let keys = self.store.list_api_keys(tenant).await?;
        if let Some(key) = keys.into_iter().find(|key| key.name == name && live(key)) {
            return Ok((key, None));
        }
        self.create_api_key(tenant, name, scopes).await.map(|(key, secret)| (key, Some(secret)))
    }

    pub async fn create_api_key(
        &self,
        tenant: Uuid,
        name: &str,
        scopes: Vec<String>,
    ) -> Result<(ApiKeyRow, String), Error> {
        let new = NewApiKey { name: name.to_owned(), scopes, expires_at: None };
        api_keys::create(&self.store, tenant, new, Holds::Everything, &Actor::operator()).await
    }

    pub async fn rotate_api_key(
        &self,
        tenant: Uuid,
        id: Uuid,
        overlap_seconds: i32,
    ) -> Result<(ApiKeyRow, String), Error> {
        let actor = Actor::operator();
        api_keys::rotate(&self.store, tenant, id, overlap_seconds, Holds::Everything, &actor).await
    }

    pub async fn revoke_api_key(&self, tenant: Uuid, id: Uuid) -> Result<(), Error> {
        api_keys::revoke(&self.store, tenant, id, &Actor::operator()).await
    }

    pub async fn list_api_keys(&self, tenant: Uuid) -> Result<Vec<ApiKeyRow>, Error> {
        Ok(self.store.list_api_keys(tenant).await?)
    }

    /// Whether a text is a live key of some tenant.
    pub async fn knows_api_key(&self, text: &str) -> Result<bool, Error> {
        let Some(key) = ApiKey::read(text) else { return Ok(false) };
        let found = self.store.find_api_key(key.id, Timestamp::now()).await?;
        Ok(found.is_some_and(|row| key.matches(&row.secret_hash)))
    }

    /// Takes the next step of a rotation of the signing keys.
    pub async fn rotate_signing_key(&self, secrets: &Secrets, at_once: bool) -> Result<Rotated, Error> {
        keyring::rotate(&self.store, secrets, at_once, &Actor::operator(), Timestamp::now()).await
    }

    pub async fn list_signing_keys(&self) -> Result<Vec<SigningKeyRow>, Error> {
        keyring::list(&self.store, Timestamp::now()).await
    }

    /// Whether the active signing key opens with these secrets; `None` when there
    /// is no active key yet.
    pub async fn signing_key_opens(&self, secrets: &Secrets) -> Result<Option<bool>, Error> {
        let keys = self.list_signing_keys().await?;
        let active = keys.into_iter().find(|key| key.state == KeyState::Active);
        Ok(active.map(|key| secrets.open(&key.kid, &key.sealed).is_ok()))
    }

    async fn user(&self, email: &str) -> Result<UserRow, Error> {
        let found = self.store.find_login(&normalised_email(email)).await?;
        Ok(found.ok_or_else(not_found)?.user)
    }
}

fn existing<T>(value: T) -> Ensured<T> {
    Ensured { value, created: false }
}

fn is(error: &Error, reason: ErrorReason) -> bool {
    matches!(error, Error::Refused(refusal) if refusal.reason() == reason)
}
