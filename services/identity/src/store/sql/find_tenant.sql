select {tenant}
from identity.tenants t
where t.slug = :slug
  and t.purge_began_at is null
