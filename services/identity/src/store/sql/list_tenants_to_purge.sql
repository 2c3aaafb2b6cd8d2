select t.id, t.purge_at
from identity.tenants t
where t.purge_at <= :now
  and (t.purge_at, t.id) > (:after_at, :after_id)
order by t.purge_at, t.id
limit :limit
