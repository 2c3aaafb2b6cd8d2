select {api_key}
from identity.tenant_api_keys k
where k.tenant_id = :tenant
  and k.created_by = :user
  and k.revoked_at is null
  and (k.expires_at is null or k.expires_at > :now)
order by k.created_at, k.id
for update
