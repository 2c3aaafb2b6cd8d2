-- As `get_booking_request`, of several ids. The array is hidden from the plan, as in
-- `lock_booking_requests`.
select {request_columns}, {linked_columns}
from {requests} r
{linked}
where r.tenant_id = :tenant
  and r.id = any (array(select unnest(:ids)))
  and {live}
