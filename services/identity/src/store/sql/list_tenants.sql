select {tenant}
from identity.tenants t
where (t.slug, t.id) > (:after_slug, :after_id)
order by t.slug, t.id
limit :limit
