-- One without a time, of another program, comes first.
select {event_columns}
from booking_events e
where e.tenant_id = :tenant
  and e.booking_request_id = :request
  and (coalesce(e.at, '-infinity'), e.id) > (:after_at, :after_id)
order by coalesce(e.at, '-infinity'), e.id
limit :most
