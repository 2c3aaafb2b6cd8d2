-- Of all tenants, as the sweeper's role.
select h.tenant_id
from feed_heads h
where h.tenant_id > :after
order by h.tenant_id
limit 1000
