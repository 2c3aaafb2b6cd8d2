-- Of all tenants, as the sweeper's role.
select e.tenant_id
from booking_events e
where e.number is null
  and e.tenant_id > :after_tenant
order by e.tenant_id
limit 1
