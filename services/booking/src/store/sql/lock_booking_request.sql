select
    {request_columns},
    coalesce((select s.auto_decline from booking_settings s where s.tenant_id = :tenant), false) as auto_decline
from {requests} r
where r.tenant_id = :tenant
  and r.id = :id
  and {live}
for update of r
