select {event_columns}, e.number
from booking_events e
where e.tenant_id = :tenant
  and e.number > :after
order by e.number
limit :most
