select m.tenant_id, t.name as tenant_name, m.role
from identity.memberships m
join identity.tenants t on t.id = m.tenant_id
where m.user_id = $1
order by t.name, m.tenant_id
