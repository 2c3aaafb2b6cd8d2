insert into identity.tenant_api_keys (tenant_id, id, name, secret_hash, scopes, created_at, expires_at)
values ($1, $2, $3, $4, $5, $6, $7)
returning
    id,
    name,
    scopes,
    created_at,
    expires_at,
    revoked_at,
    last_used_at,
    case when previous_expires_at > now() then previous_expires_at end as previous_expires_at
