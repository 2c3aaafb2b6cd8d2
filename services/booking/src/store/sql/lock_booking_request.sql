select
    {columns},
    coalesce((select s.auto_decline from booking_settings s where s.tenant_id = $1), false) as auto_decline
from {requests} r
where r.tenant_id = $1
  and r.id = $2
  and {live}
for update of r
