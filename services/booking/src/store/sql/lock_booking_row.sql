select b.updated_at
from bookings b
where b.tenant_id = :tenant
  and b.id = :row
for update
