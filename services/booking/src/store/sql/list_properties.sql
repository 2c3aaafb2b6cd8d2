select id, name, time_zone, max_guests, hold_policy, hold_hours, row_version, created_at, updated_at
from properties
where tenant_id = $1
  and (name, id) > ($2, $3)
order by name, id
limit $4
