select
    id,
    name,
    scopes,
    created_at,
    expires_at,
    revoked_at,
    last_used_at,
    case when previous_expires_at > now() then previous_expires_at end as previous_expires_at
from identity.tenant_api_keys
where tenant_id = $1
  and id = $2
  and revoked_at is null
  and (expires_at is null or expires_at > $3)
for update
