update identity.roles
set scopes = :scopes
where tenant_id = :tenant
  and name = :name
