insert into identity.tenant_api_keys (tenant_id, id, name, secret_hash, scopes, created_at)
values ($1, $2, $3, $4, $5, $6)
