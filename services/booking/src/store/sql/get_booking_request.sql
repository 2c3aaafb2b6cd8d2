select {columns}
from {requests} r
where r.tenant_id = $1
  and r.id = $2
  and {live}
