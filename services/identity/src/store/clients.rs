//! API keys as clients of the token endpoint, and the assertions that were used.

use aws_lc_rs::digest::{SHA256, digest};
use jiff::Timestamp;
use pg::{Columns, Fault};

use super::api_keys::{MarkApiKeyUsed, api_key};
use super::change::Change;
use super::database::Store;
use crate::domain::api_key::{ApiKey, ClientOfKey};
use crate::domain::ids::{ApiKeyId, TenantId};

pg::statements! {
    /// What checking a client needs.
    FindClient = "find_client" (id: ApiKeyId, now: Timestamp);
    /// Registers keys of a client, and ends its secret if there is another one.
    SetClientKeys<'a> = "set_client_keys" (
        tenant: TenantId, id: ApiKeyId, keys: Option<&'a str>, key_ids: &'a [String],
        secret_hash: Option<&'a [u8]>
    );
    /// Notes that an assertion was used, unless it was.
    UseAssertion<'a> = "use_assertion" (
        tenant: TenantId, id: ApiKeyId, hash: &'a [u8], until: Timestamp
    );
    /// Forgets assertions that are over.
    ForgetAssertions = "forget_assertions" (now: Timestamp);
}

impl Store {
    /// A live key as a client.
    pub async fn find_client(&self, id: ApiKeyId, now: Timestamp) -> Result<Option<ClientOfKey>, Fault> {
        Columns::first(&self.run(&FindClient { id, now }).await?, |row| {
            Ok(ClientOfKey {
                tenant: row.next("tenant_id")?,
                id: row.next("id")?,
                suspended: row.next("suspended")?,
                deleted_until: row.next("deleted_until")?,
                secret_hash: row.next("secret_hash")?,
                previous_secret_hash: row.next("previous_secret_hash")?,
                scopes: row.next("scopes")?,
                allowed_addresses: row.next("allowed_addresses")?,
                client_keys: row.next("client_keys")?,
                expires_at: row.next("expires_at")?,
                previous_expires_at: row.next("previous_expires_at")?,
                use_is_old: row.next("use_is_old")?,
            })
        })
    }

    /// Forgets assertions that nobody could use any more.
    pub async fn forget_assertions(&self, now: Timestamp) -> Result<(), Fault> {
        self.run(&ForgetAssertions { now }).await.map(drop)
    }
}

impl Change {
    /// Registers keys of a client, none if there are no ids; another secret ends those it has.
    pub async fn set_client_keys(
        &self,
        tenant: TenantId,
        id: ApiKeyId,
        keys: Option<&str>,
        key_ids: &[String],
        secret_hash: Option<&[u8]>,
    ) -> Result<Option<ApiKey>, Fault> {
        let set = SetClientKeys { tenant, id, keys, key_ids, secret_hash };
        Columns::first(&self.query(&set).await?, api_key)
    }

    /// Notes that a client was there.
    pub async fn mark_client_used(&self, tenant: TenantId, id: ApiKeyId) -> Result<(), Fault> {
        self.query(&MarkApiKeyUsed { tenant, id, at: self.at() }).await.map(drop)
    }

    /// Whether the assertion is used for the first time.
    pub async fn use_assertion(
        &self,
        tenant: TenantId,
        id: ApiKeyId,
        assertion: &str,
        until: Timestamp,
    ) -> Result<bool, Fault> {
        let hash = digest(&SHA256, assertion.as_bytes());
        let used = UseAssertion { tenant, id, hash: hash.as_ref(), until };
        Ok(!self.query(&used).await?.is_empty())
    }
}
