-- By its id in another system.
select {booking_columns}
from bookings b
where b.tenant_id = :tenant
  and b.source = :source
  and b.external_id = :external_id
