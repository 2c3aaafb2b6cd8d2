update identity.tenant_api_keys
set revoked_at = $3, previous_secret_hash = null, previous_expires_at = null
where tenant_id = $1
  and id = $2
  and revoked_at is null
returning id
