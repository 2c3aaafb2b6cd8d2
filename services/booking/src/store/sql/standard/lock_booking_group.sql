-- The booking's own request and the requests that it fulfils, in the order of
-- their ids, so that two who cancel cannot wait for each other. One of `booking`
-- and `request`, whose own booking is meant, is null.
select r.id
from booking_requests r
where r.tenant_id = :tenant
  and (
      r.id = :request
      or r.id in (select b.booking_request_id from bookings b where b.tenant_id = :tenant and b.id = :booking)
      or r.approved_booking_id in (
          select b.id
          from bookings b
          where b.tenant_id = :tenant
            and (b.id = :booking or b.booking_request_id = :request)
      )
  )
order by r.id
for update
