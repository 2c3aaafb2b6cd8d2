select name, scopes
from identity.roles
where tenant_id = $1
order by name
limit 1000
