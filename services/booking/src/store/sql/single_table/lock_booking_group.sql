select r.id
from bookings r
where r.tenant_id = $1
  and (r.id = coalesce($2::uuid, $3::uuid) or r.approved_booking_id = coalesce($2::uuid, $3::uuid))
order by r.id
for update
