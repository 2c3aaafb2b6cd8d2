-- The booking's own request and the requests that it fulfils. One of `booking` and
-- `request`, whose own booking is meant, is null. Each is looked up by an index of its
-- own: conditions joined by OR would read every request of the tenant.
select r.id, r.updated_at
from booking_requests r
where r.tenant_id = :tenant
  and r.id = any (
      array(
          select :request
          union all
          select b.booking_request_id
          from bookings b
          where b.tenant_id = :tenant
            and b.id = :booking
          union all
          select f.id
          from booking_requests f
          where f.tenant_id = :tenant
            and f.approved_booking_id = :booking
          union all
          select f.id
          from bookings b
          join booking_requests f on f.tenant_id = b.tenant_id and f.approved_booking_id = b.id
          where b.tenant_id = :tenant
            and b.booking_request_id = :request
      )
  )
