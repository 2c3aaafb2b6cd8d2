//! What an operator at the database does: the same changes as over the API,
//! without a caller. Creating what is there already changes nothing.

use jiff::Timestamp;
use pg::{Database, Ensured};
use seal::MasterKey;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::actor::Actor;
use crate::changes::tenant::NewTenant;
use crate::changes::{
    api_key, factor, master_key, member, platform_scopes, signing_key, tenant, user, user_link,
};
use crate::config::Policy;
use crate::credential::api_key::KeyText;
use crate::credential::password::{PasswordCost, Passwords};
use crate::credential::password_rules::check_new;
use crate::credential::signing_key::KeySealer;
use crate::domain::email::Email;
use crate::domain::scopes;
use crate::error::{Error, Existing, Reason, Refusal};
use crate::store::{self, Store};
use crate::trust::keyring::published;
use crate::trust::master_key::{compare, report};

pub use crate::changes::api_key::WithSecret;
pub use crate::changes::factor::Reset;
pub use crate::changes::user::NewUser;
pub use crate::domain::api_key::{ApiKey, NewApiKey};
pub use crate::domain::delivery::DeadLetter;
pub use crate::domain::ids::{ApiKeyId, MailId, TenantId, UserId};
pub use crate::domain::master_key::{MasterKeyReport, MasterKeyState};
pub use crate::domain::signing_key::{KeyState, Revoked, Rotated, SigningKey};
pub use crate::domain::tenant::{Deletion, Member, Tenant};
pub use crate::domain::user::{User, UserKind};
pub use crate::domain::user_link::LinkedSubject;
use crate::domain::user_link::Subject;

/// An operator's changes over a database.
#[derive(Debug, Clone)]
pub struct Operator {
    store: Store,
    passwords: Passwords,
}

impl Operator {
    /// The database as identity's role.
    pub fn new(database: &Database) -> Result<Self, Error> {
        let store = store::open(database, Policy::default()).map_err(pg::Fault::from)?;
        let passwords = Passwords::new(store.policy().password_cost)?;
        Ok(Self { store, passwords })
    }

    /// Hashes passwords at this cost, the one of the service: it is as long until a wrong
    /// password is refused, whoever made the user.
    pub fn hashing_at(self, cost: PasswordCost) -> Result<Self, Error> {
        Ok(Self { passwords: Passwords::new(cost)?, ..self })
    }

    /// A user that should exist. An existing one stays as it is, and is not what is wanted
    /// where it lacks a scope.
    pub async fn ensure_user(&self, wanted: NewUser) -> Result<Ensured<User>, Error> {
        let email = wanted.email.clone();
        if let Some(login) = self.store.find_login(&Email::read(&email)?).await? {
            let held =
                self.store.get_user(login.user.id).await?.map(|(_, scopes)| scopes).unwrap_or_default();
            let lacking: Vec<String> =
                wanted.platform_scopes.into_iter().filter(|scope| !held.contains(scope)).collect();
            if lacking.is_empty() {
                return Ok(Ensured::existing(login.user));
            }
            return Err(lacks(&lacking).into());
        }
        match user::create(&self.store, &self.passwords, wanted, &Actor::operator()).await {
            // Made at the same moment by somebody else.
            Err(Error::AlreadyExists(_)) => self.user(&email).await.map(Ensured::existing),
            created => created.map(Ensured::made),
        }
    }

    /// Gives and takes scopes that a user holds outside tenants, and returns those that it
    /// holds then.
    pub async fn change_platform_scopes(
        &self,
        email: &str,
        given: &[String],
        taken: &[String],
    ) -> Result<Vec<String>, Error> {
        // Also what is taken has to be a scope that there is.
        scopes::of_platform([given, taken].concat())?;
        let wanted = |held: &[String]| {
            held.iter().chain(given).filter(|scope| !taken.contains(scope)).cloned().collect()
        };
        let id = self.user(email).await?.id;
        platform_scopes::change(&self.store, id, wanted, &Actor::operator()).await
    }

    /// Sets a password and returns how many sessions were ended.
    pub async fn set_password(&self, email: &str, password: Zeroizing<String>) -> Result<i64, Error> {
        let id = self.user(email).await?.id;
        user::set_password(&self.store, &self.passwords, id, password, &Actor::operator()).await
    }

    /// Removes the second factors of a user who has lost them, and ends its sessions.
    pub async fn reset_factors(&self, email: &str) -> Result<Reset, Error> {
        factor::reset(&self.store, self.user(email).await?.id, &Actor::operator()).await
    }

    /// Disables a user and ends its sessions; the last owner of a tenant only where that is said.
    pub async fn disable_user(&self, email: &str, even_if_last_owner: bool) -> Result<User, Error> {
        let id = self.user(email).await?.id;
        user::disable(&self.store, id, even_if_last_owner, &Actor::operator()).await
    }

    /// Lets a user sign in again.
    pub async fn enable_user(&self, email: &str) -> Result<User, Error> {
        user::enable(&self.store, self.user(email).await?.id, &Actor::operator()).await
    }

    /// Makes a subject of another issuer a user.
    pub async fn link_user(&self, email: &str, issuer: &str, subject: &str) -> Result<User, Error> {
        let of = Subject::checked(issuer, subject)?;
        let user = self.user(email).await?;
        user_link::link(&self.store, user.id, &of, &Actor::operator()).await?;
        Ok(user)
    }

    /// Ends the link of a subject.
    pub async fn unlink_user(&self, issuer: &str, subject: &str) -> Result<(), Error> {
        user_link::unlink(&self.store, &Subject::checked(issuer, subject)?, &Actor::operator()).await
    }

    /// The subjects of other issuers that a user is.
    pub async fn list_user_links(&self, email: &str) -> Result<Vec<LinkedSubject>, Error> {
        let user = self.user(email).await?;
        Ok(self.store.list_user_links(user.id).await?)
    }

    /// Users after an e-mail address and id.
    pub async fn list_users(&self, after: (&str, UserId), limit: i64) -> Result<Vec<User>, Error> {
        Ok(self.store.list_users(after, limit).await?)
    }

    /// A tenant that should exist. An existing one stays as it is.
    pub async fn ensure_tenant(
        &self,
        id: TenantId,
        slug: &str,
        name: &str,
    ) -> Result<Ensured<Tenant>, Error> {
        if let Some(found) = self.store.find_tenant(slug).await? {
            return Ok(Ensured::existing(found));
        }
        match tenant::create(&self.store, NewTenant { id, slug, name }, &Actor::operator()).await {
            // Made at the same moment by somebody else.
            Err(Error::AlreadyExists(Existing::Tenant)) => self.tenant(slug).await.map(Ensured::existing),
            created => created.map(Ensured::made),
        }
    }

    /// Tenants after a slug and id.
    pub async fn list_tenants(&self, after: (&str, TenantId), limit: i64) -> Result<Vec<Tenant>, Error> {
        Ok(self.store.list_tenants(after, limit).await?)
    }

    /// A tenant by its slug or id.
    pub async fn tenant(&self, name: &str) -> Result<Tenant, Error> {
        let found = match Uuid::try_parse(name) {
            Ok(id) => self.store.get_tenant(TenantId(id)).await?,
            Err(_) => self.store.find_tenant(name).await?,
        };
        found.ok_or(Error::TenantNotFound)
    }

    /// Makes a user a member with this role; a member gets the role.
    pub async fn ensure_member(
        &self,
        tenant: TenantId,
        email: &str,
        role: &str,
    ) -> Result<Ensured<Member>, Error> {
        let (user, actor) = (self.user(email).await?.id, Actor::operator());
        match member::add(&self.store, tenant, user, role, &actor).await {
            Err(Error::AlreadyExists(_)) => {
                member::change_role(&self.store, tenant, user, role, &actor).await.map(Ensured::existing)
            }
            added => added.map(Ensured::made),
        }
    }

    /// Removes a member; the live API keys that the member made are returned, and revoked if
    /// that is wanted.
    pub async fn remove_member(
        &self,
        tenant: TenantId,
        email: &str,
        revoke_keys: bool,
    ) -> Result<Vec<ApiKey>, Error> {
        let user = self.user(email).await?.id;
        member::remove(&self.store, tenant, user, revoke_keys, &Actor::operator()).await
    }

    /// Members after an e-mail address and id.
    pub async fn list_members(
        &self,
        tenant: TenantId,
        after: (&str, UserId),
        limit: i64,
    ) -> Result<Vec<Member>, Error> {
        Ok(self.store.list_members(tenant, after, limit).await?)
    }

    /// A live key with this name, or a new one with its secret, which cannot be
    /// shown again.
    pub async fn ensure_api_key(
        &self,
        tenant: TenantId,
        id: ApiKeyId,
        wanted: NewApiKey,
        now: Timestamp,
    ) -> Result<(ApiKey, Option<String>), Error> {
        let keys = self.store.list_api_keys(tenant).await?;
        if let Some(key) = keys.into_iter().find(|key| key.name == wanted.name && key.is_live_at(now)) {
            return Ok((key, None));
        }
        let WithSecret { key, secret } = self.create_api_key(tenant, id, wanted, now).await?;
        Ok((key, Some(secret)))
    }

    /// Creates a key.
    pub async fn create_api_key(
        &self,
        tenant: TenantId,
        id: ApiKeyId,
        new: NewApiKey,
        now: Timestamp,
    ) -> Result<WithSecret, Error> {
        api_key::create(&self.store, tenant, id, new, &Actor::operator(), now).await
    }

    /// Gives a key a new secret; the old one works for `overlap_seconds` more.
    pub async fn rotate_api_key(
        &self,
        tenant: TenantId,
        id: ApiKeyId,
        overlap_seconds: i32,
    ) -> Result<WithSecret, Error> {
        api_key::rotate(&self.store, tenant, id, overlap_seconds, &Actor::operator()).await
    }

    /// Ends a key.
    pub async fn revoke_api_key(&self, tenant: TenantId, id: ApiKeyId) -> Result<(), Error> {
        api_key::revoke(&self.store, tenant, id, &Actor::operator()).await
    }

    /// A tenant's keys.
    pub async fn list_api_keys(&self, tenant: TenantId) -> Result<Vec<ApiKey>, Error> {
        Ok(self.store.list_api_keys(tenant).await?)
    }

    /// Whether a text is a live key of some tenant.
    pub async fn knows_api_key(&self, text: &str, now: Timestamp) -> Result<bool, Error> {
        let Some(key) = KeyText::read(text) else { return Ok(false) };
        let found = self.store.find_api_key(key.id, now).await?;
        Ok(found.is_some_and(|stored| key.matches(&stored.secret_hash)))
    }

    /// Takes the next step of a rotation of the signing keys.
    pub async fn rotate_signing_key(&self, master_key: &MasterKey, at_once: bool) -> Result<Rotated, Error> {
        signing_key::rotate(&self.store, &KeySealer::of(master_key), at_once, &Actor::operator()).await
    }

    /// Ends the trust in a signing key everywhere.
    pub async fn revoke_signing_key(&self, master_key: &MasterKey, kid: &str) -> Result<Revoked, Error> {
        signing_key::revoke(&self.store, &KeySealer::of(master_key), kid, &Actor::operator()).await
    }

    /// The signing keys that are published.
    pub async fn list_signing_keys(&self, now: Timestamp) -> Result<Vec<SigningKey>, Error> {
        published(&self.store, now).await
    }

    /// Refuses a master key that is not the database's.
    pub async fn compare_master_key(&self, master_key: &MasterKey, now: Timestamp) -> Result<(), Error> {
        compare(&self.store, master_key, now).await
    }

    /// Makes the first master key of the list the one that seals, and seals everything anew
    /// with it. Where the one before is `lost`, what it sealed is given up.
    pub async fn rotate_master_key(
        &self,
        master_key: &MasterKey,
        lost: bool,
        now: Timestamp,
    ) -> Result<MasterKeyReport, Error> {
        master_key::rotate(&self.store, master_key, lost, &Actor::operator(), now).await
    }

    /// What is of which master key.
    pub async fn report_master_keys(
        &self,
        master_key: &MasterKey,
        now: Timestamp,
    ) -> Result<MasterKeyReport, Error> {
        report(&self.store, master_key, now).await
    }

    /// Letters that nobody tries to deliver any more, the last one first.
    pub async fn list_dead_letters(&self) -> Result<Vec<DeadLetter>, Error> {
        Ok(self.store.list_dead_letters().await?)
    }

    /// Lets a letter be tried again, and says whether there is one that is dead and whose link
    /// still works.
    pub async fn retry_mail(&self, id: MailId, now: Timestamp) -> Result<bool, Error> {
        Ok(self.store.retry_mail(id, now).await?)
    }

    /// Lets every dead letter be tried again whose link still works, and says how many.
    pub async fn retry_all_mail(&self, now: Timestamp) -> Result<i64, Error> {
        Ok(self.store.retry_all_mail(now).await?)
    }

    async fn user(&self, email: &str) -> Result<User, Error> {
        let found = self.store.find_login(&Email::read(email)?).await?;
        Ok(found.ok_or(Error::UserNotFound)?.user)
    }
}

fn lacks(scopes: &[String]) -> Refusal {
    let sentence = format!(
        "The user exists, without {}. Nothing was changed: `frontdesk user grant EMAIL --platform-scope {}` gives it.",
        scopes.join(" and "),
        scopes.join(" --platform-scope ")
    );
    Refusal::new(Reason::AlreadyExists, sentence)
}

/// What keeps a text from being anybody's password, to say so before a connection is made.
pub fn problem_of_password(text: &str) -> Option<String> {
    check_new("password", text, "").err().map(|invalid| invalid.problem)
}
