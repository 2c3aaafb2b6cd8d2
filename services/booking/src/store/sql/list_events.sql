select {event_columns}
from booking_events e
where e.tenant_id = :tenant
  and e.booking_request_id = :request
  and (e.at, e.id) > (:after_at, :after_id)
order by e.at, e.id
limit :most
