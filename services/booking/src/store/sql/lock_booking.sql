select {booking_columns}, p.time_zone
from bookings b
left join properties p on p.tenant_id = b.tenant_id and p.id = b.property_id
where b.tenant_id = :tenant
  and b.id = :id
  and b.deleted_at is null
for update of b
