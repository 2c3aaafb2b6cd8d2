-- The booking's own request and the requests that it fulfils, in the order of
-- their ids, so that two who cancel cannot wait for each other. $2 is the booking,
-- $3 a request whose own booking is meant; one of them is null.
select r.id
from booking_requests r
where r.tenant_id = $1
  and (
      r.id = $3
      or r.id in (select b.booking_request_id from bookings b where b.tenant_id = $1 and b.id = $2)
      or r.approved_booking_id in (
          select b.id
          from bookings b
          where b.tenant_id = $1
            and (b.id = $2 or b.booking_request_id = $3)
      )
  )
order by r.id
for update
