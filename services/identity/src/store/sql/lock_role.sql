-- It keeps its scopes until what is done by them, or given with it, is stored. Whoever changes
-- or deletes one has locked the tenant before.
select name, scopes
from identity.roles
where tenant_id = :tenant
  and name = :name
for share
