select m.tenant_id, t.name as tenant_name, m.role, r.scopes as own_scopes
from identity.memberships m
join identity.tenants t on t.id = m.tenant_id
left join identity.roles r on r.tenant_id = m.tenant_id and r.name = m.custom_role
where m.user_id = :user
  and t.purge_began_at is null
order by t.name, m.tenant_id
