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
order by created_at desc, id desc
limit 1000
