-- The row itself, which is the request and the booking, and those that it fulfils. One of
-- `booking` and `request` is null. Each is looked up by an index of its own: conditions
-- joined by OR would read every row of the tenant, and one of both,
-- `coalesce(:booking, :request)`, is nothing that row-level security lets an index be
-- searched by.
select r.id, r.updated_at
from bookings r
where r.tenant_id = :tenant
  and r.id = any (
      array(
          values (:booking), (:request)
          union all
          select f.id
          from bookings f
          where f.tenant_id = :tenant
            and f.approved_booking_id = :booking
          union all
          select f.id
          from bookings f
          where f.tenant_id = :tenant
            and f.approved_booking_id = :request
      )
  )
