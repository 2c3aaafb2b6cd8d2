select {booking_columns}
from bookings b
where b.tenant_id = $1
  and b.id = $2
  and b.deleted_at is null
