-- The status condition repeats the constraint's, or its index is not used.
select b.id, b.guest_id, b.status, b.check_in, b.check_out
from bookings b
where b.tenant_id = $1
  and b.property_id = $2
  and daterange(b.check_in, b.check_out) && daterange($3, $4)
  and b.status not in ('cancelled', 'declined', 'no_show')
order by b.check_in, b.id
limit 20
for share
