-- Of all tenants, as the sweeper's role.
select p.tenant_id
from properties p
where p.tenant_id > :after_tenant
order by p.tenant_id
limit 1
