-- After a lock that had to wait, the linked booking is as it was before.
select
    {request_columns}, {linked_columns},
    coalesce((select s.auto_decline from booking_settings s where s.tenant_id = :tenant), false) as auto_decline,
    p.id is not null as has_property, {terms}
from {requests} r
left join properties p on p.tenant_id = r.tenant_id and p.id = r.property_id
{linked}
where r.tenant_id = :tenant
  and r.id = :id
  and {live}
for update of r
