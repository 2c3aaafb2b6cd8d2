select name, scopes
from identity.roles
where tenant_id = :tenant
  and name = :name
for update
