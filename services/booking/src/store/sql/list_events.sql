select e.id, e.at, e.booking_request_id, e.booking_id, e.action, e.actor, e.evidence
from booking_events e
where e.tenant_id = $1
  and e.booking_request_id = $2
  and (e.at, e.id) > ($3, $4)
order by e.at, e.id
limit $5
