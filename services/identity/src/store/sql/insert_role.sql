insert into identity.roles (tenant_id, name, scopes, created_at)
values (:tenant, :name, :scopes, :at)
