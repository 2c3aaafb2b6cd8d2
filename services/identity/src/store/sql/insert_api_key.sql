insert into identity.tenant_api_keys as k (
    tenant_id, id, name, secret_hash, scopes, created_at, expires_at
)
values (:tenant, :id, :name, :secret_hash, :scopes, :at, :expires_at)
returning {api_key}
