select e.number, e.at, e.id
from booking_events e
where e.tenant_id = :tenant
  and e.id = :event
