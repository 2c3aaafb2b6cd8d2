update identity.roles
set scopes = $3
where tenant_id = $1
  and name = $2
