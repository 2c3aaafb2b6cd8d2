-- The row itself, which is the request and the booking, and those that it fulfils,
-- in the order of their ids.
select r.id
from bookings r
where r.tenant_id = :tenant
  and (
      r.id = coalesce(:booking, :request)
      or r.approved_booking_id = coalesce(:booking, :request)
  )
order by r.id
for update
