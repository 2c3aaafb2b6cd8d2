select e.number, e.at, e.id
from booking_events e
where e.tenant_id = :tenant
  and e.id = :event
  -- One beyond has no place: nobody reads on from there.
  and (e.number is null or e.number < {numbers_end})
