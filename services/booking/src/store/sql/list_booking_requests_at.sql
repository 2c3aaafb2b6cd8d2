-- Those that were found before, in the order in which they are given.
select {request_columns}, {linked_columns}
from {requests} r
{linked}
where r.tenant_id = :tenant
  and r.id = any (:rows)
  and {live}
order by array_position(:rows, r.id)
