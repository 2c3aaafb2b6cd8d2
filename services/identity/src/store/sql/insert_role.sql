insert into identity.roles (tenant_id, name, scopes, created_at)
values ($1, $2, $3, $4)
