update identity.tenant_api_keys
set revoked_at = :at, previous_secret_hash = null, previous_expires_at = null
where tenant_id = :tenant
  and id = :id
  and revoked_at is null
returning id
