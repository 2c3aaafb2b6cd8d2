-- Of all tenants, as the sweeper's role.
select s.tenant_id
from inconsistency_suspects s
where s.tenant_id > :after_tenant
order by s.tenant_id
limit 1
