-- The next inventory ranges of a walk through all of them, and whether each may
-- contradict something.
-- Each look is a value with `limit 1`, not an `exists`: a generic plan would read the
-- other table whole to answer that.
select
    i.id,
    {active} and {unreadable.ranges} <> array[]::text[]
    or (i.kind::text = {range.booking}) is true and {active} and (
        select true
        from bookings b
        where b.tenant_id = :tenant
          and b.id = i.source_id
          and (b.status in ({freed})) is not true
          and (b.deleted_at is null or {blocking})
          and b.property_id = i.property_id
          and b.check_in <= i.start_date
          and b.check_out >= i.end_date
        limit 1
    ) is null as suspect
from inventory_ranges i
where i.tenant_id = :tenant
  and i.id > :after_id
order by i.id
limit :most
