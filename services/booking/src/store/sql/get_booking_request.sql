select {request_columns}, {linked_columns}
from {requests} r
{linked}
where r.tenant_id = :tenant
  and r.id = :id
  and {live}
