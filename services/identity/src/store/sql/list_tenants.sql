select id, slug, name, created_at
from identity.tenants
where (slug, id) > ($1, $2)
order by slug, id
limit $3
