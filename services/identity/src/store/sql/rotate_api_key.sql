update identity.tenant_api_keys
set
    previous_secret_hash = case when $4::timestamptz is null then null else secret_hash end,
    previous_expires_at = $4,
    secret_hash = $3
where tenant_id = $1
  and id = $2
returning
    id,
    name,
    scopes,
    created_at,
    expires_at,
    revoked_at,
    last_used_at,
    case when previous_expires_at > now() then previous_expires_at end as previous_expires_at
