select id, slug, name, created_at
from identity.tenants
where id = $1
