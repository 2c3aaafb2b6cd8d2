select id, name, time_zone, max_guests, created_at
from properties
where tenant_id = $1
  and (name, id) > ($2, $3)
order by name, id
limit $4
