select
    tenant_id,
    secret_hash,
    case when previous_expires_at > :now then previous_secret_hash end as previous_secret_hash,
    scopes,
    last_used_at is null or last_used_at < :now - interval '1 minute' as use_is_old
from identity.tenant_api_keys
where id = :id
  and revoked_at is null
  and (expires_at is null or expires_at > :now)
