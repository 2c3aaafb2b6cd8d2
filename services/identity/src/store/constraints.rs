//! The constraints whose refusals mean something to a caller, as the migrations
//! name them.

pub(super) const USERS_KEY: &str = "users_pkey";
pub(super) const USERS_EMAIL: &str = "users_email_key";
pub(super) const TENANTS_KEY: &str = "tenants_pkey";
pub(super) const TENANTS_SLUG: &str = "tenants_slug_key";
pub(super) const DELETED_TENANTS_KEY: &str = "deleted_tenants_pkey";
pub(super) const MEMBERSHIPS_KEY: &str = "memberships_pkey";
pub(super) const MEMBERSHIPS_USER: &str = "memberships_user_fkey";
pub(super) const MEMBERSHIPS_TENANT: &str = "memberships_tenant_fkey";
pub(super) const MEMBERSHIPS_ROLE: &str = "memberships_role_fkey";
pub(super) const ROLES_KEY: &str = "roles_pkey";
pub(super) const FACTORS_NAME: &str = "factors_name_idx";
pub(super) const INVITATIONS_TENANT: &str = "invitations_tenant_fkey";
pub(super) const PASSKEYS_CREDENTIAL: &str = "passkeys_credential_key";
pub(super) const API_KEYS_TENANT: &str = "tenant_api_keys_tenant_fkey";
