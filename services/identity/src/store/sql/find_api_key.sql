select
    tenant_id,
    exists (
        select from identity.tenants t where t.id = tenant_api_keys.tenant_id and t.suspended_at is not null
    ) as suspended,
    secret_hash,
    case when previous_expires_at > :now then previous_secret_hash end as previous_secret_hash,
    scopes,
    allowed_addresses,
    least(expires_at, case when previous_expires_at > :now then previous_expires_at end) as until,
    -- Tokens of before end when the secret does that they may have been got by.
    greatest(
        tokens_not_before,
        case when previous_expires_at <= :now then previous_expires_at end
    ) as tokens_not_before,
    last_used_at is null or last_used_at < :now - interval '1 minute' as use_is_old
from identity.tenant_api_keys
where id = :id
  and revoked_at is null
  and (expires_at is null or expires_at > :now)
