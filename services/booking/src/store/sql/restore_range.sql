-- A booking gets the range that it lacks, in place of those that have not all its
-- nights.
with freed_ranges as (
    {free_ranges}
      and i.source_id = :id
    returning i.id
)
{insert_range}
from bookings b
where b.tenant_id = :tenant
  and b.id = :id
  -- After its other ranges have ended, whose nights it may need.
  and (select count(*) from freed_ranges) >= 0
