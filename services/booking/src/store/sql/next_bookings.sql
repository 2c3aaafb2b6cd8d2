-- The next bookings of a walk through all of them, and whether each may contradict
-- something.
-- Each look is a value with `limit 1`, not an `exists`: a generic plan would read the
-- other table whole to answer that.
select
    b.id,
    {unreadable.bookings} <> array[]::text[]
    or (b.status in ({status.confirmed}, {status.checked_in})) is true and (
        select true
        from inventory_ranges i
        where i.tenant_id = :tenant
          and i.source_id = b.id
          and {active}
        limit 1
    ) is null as suspect
from bookings b
where b.tenant_id = :tenant
  and b.id > :after_id
order by b.id
limit :most
