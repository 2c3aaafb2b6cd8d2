-- Without a new secret the old ones stay.
update identity.tenant_api_keys k
set
    client_keys = :keys,
    client_key_ids = :key_ids,
    secret_hash = coalesce(:secret_hash, k.secret_hash),
    previous_secret_hash = case when :secret_hash is null then k.previous_secret_hash end,
    previous_expires_at = case when :secret_hash is null then k.previous_expires_at end
where k.tenant_id = :tenant
  and k.id = :id
returning {api_key}
