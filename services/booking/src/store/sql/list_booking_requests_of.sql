-- Requests of one property or guest.
select {columns}
from {requests} r
where r.tenant_id = $1
  and {effective} = any ($2::text[])
  and {live}
  and {after}
  {filters}
order by {order}
limit $5
