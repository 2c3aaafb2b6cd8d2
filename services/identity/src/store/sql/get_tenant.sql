select {tenant}
from identity.tenants t
where t.id = :id
  and t.purge_began_at is null
