select {booking_columns}
from bookings b
where b.tenant_id = $1
  and (b.check_in, b.id) > ($2::date, $3::uuid)
  and b.deleted_at is null
  {filters}
order by b.check_in, b.id
limit $4
