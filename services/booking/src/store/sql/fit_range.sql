-- A range gets the property and the nights of its booking, in place of the booking's
-- other ranges.
with freed_ranges as (
    {free_ranges}
      and i.source_id = :booking
      and i.id <> :id
    returning i.id
)
update inventory_ranges i
set property_id = b.property_id, start_date = b.check_in, end_date = b.check_out
from bookings b
where i.tenant_id = :tenant
  and i.id = :id
  and b.tenant_id = :tenant
  and b.id = :booking
  -- After its other ranges have ended, whose nights it may need.
  and (select count(*) from freed_ranges) >= 0
