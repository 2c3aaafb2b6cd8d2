update identity.tenant_api_keys k
set
    previous_secret_hash = case when :previous_until is null then null else k.secret_hash end,
    previous_expires_at = :previous_until,
    secret_hash = :secret_hash
where k.tenant_id = :tenant
  and k.id = :id
returning {api_key}
