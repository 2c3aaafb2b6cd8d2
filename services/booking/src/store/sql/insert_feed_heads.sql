insert into feed_heads (tenant_id, head)
select t.tenant_id, 0
from unnest(:tenants) as t (tenant_id)
order by t.tenant_id
on conflict on constraint feed_heads_pkey do nothing
returning tenant_id
