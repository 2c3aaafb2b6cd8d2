select e.number, {event_columns}
from booking_events e
where e.tenant_id = :tenant
  and e.number > :after
  and e.number < {numbers_end}
order by e.number
limit :most
