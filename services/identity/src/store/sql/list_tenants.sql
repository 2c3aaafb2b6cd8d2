select {tenant}
from identity.tenants t
where (t.slug, t.id) > (:after_slug, :after_id)
  and t.purge_began_at is null
order by t.slug, t.id
limit :limit
