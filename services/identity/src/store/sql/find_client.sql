select
    tenant_id,
    id,
    exists (
        select from identity.tenants t where t.id = tenant_api_keys.tenant_id and t.suspended_at is not null
    ) as suspended,
    (select t.purge_at from identity.tenants t where t.id = tenant_api_keys.tenant_id) as deleted_until,
    secret_hash,
    case when previous_expires_at > :now then previous_secret_hash end as previous_secret_hash,
    scopes,
    allowed_addresses,
    client_keys,
    expires_at,
    previous_expires_at,
    last_used_at is null or last_used_at < :now - interval '1 minute' as use_is_old
from identity.tenant_api_keys
where id = :id
  and revoked_at is null
  and (expires_at is null or expires_at > :now)
