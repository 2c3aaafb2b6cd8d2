select id, slug, name, created_at
from identity.tenants
where slug = $1
