select {request_columns}
from {requests} r
where r.tenant_id = :tenant
  and r.id = :id
  and {live}
