select r.guest_id, r.updated_at
from {requests} r
where r.tenant_id = :tenant
  and r.id = :row
  and {live}
for update
