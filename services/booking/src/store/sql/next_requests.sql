-- The next requests of a walk through all of them, and whether each may contradict
-- something: all but those that are closed, confirmed with a booking for their nights,
-- or open and in no way decided.
-- Each look is a value with `limit 1`, not an `exists`: a generic plan would read the
-- other table whole to answer that.
select
    r.id,
    {unreadable.requests} <> array[]::text[]
    or {open} and (
        r.confirmed_at is not null
        or r.approved_booking_id is not null
        or (
            select true
            from inventory_ranges i
            where i.tenant_id = :tenant
              and i.source_id = r.id
              and {active}
            limit 1
        ) is true
        or (
            select true
            from bookings b
            where b.tenant_id = :tenant
              and b.guest_id = r.guest_id
              and b.property_id = r.property_id
              and b.check_in = r.check_in
              and (b.status in ({sold})) is true
              and b.id <> r.id
            limit 1
        ) is true
    )
    or {confirmed_beside} and (
        select true
        from bookings b
        where b.tenant_id = :tenant
          and b.id = r.approved_booking_id
          and (b.status in ({once_sold})) is true
          and b.guest_id = r.guest_id
          and b.property_id = r.property_id
          and b.check_in = r.check_in
          and coalesce(b.booked_check_out, b.check_out) = r.check_out
        limit 1
    ) is null as suspect
from {requests} r
where r.tenant_id = :tenant
  and r.id > :after_id
order by r.id
limit :most
