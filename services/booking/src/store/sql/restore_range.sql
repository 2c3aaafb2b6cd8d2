{insert_range}
from bookings b
where b.tenant_id = :tenant
  and b.id = :id
  and {has_no_range}
