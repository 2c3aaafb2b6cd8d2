select b.id
from bookings b
where b.tenant_id = :tenant
  and b.id = :row
  and b.deleted_at is null
for update
