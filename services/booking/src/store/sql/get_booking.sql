select {booking_columns}
from bookings b
where b.tenant_id = :tenant
  and b.id = :id
  and b.deleted_at is null
