select name, scopes
from identity.roles
where tenant_id = :tenant
order by name
limit 1000
