select id, name, time_zone, max_guests, hold_policy, hold_hours, row_version, created_at, updated_at
from properties
where tenant_id = $1
  and id = $2
