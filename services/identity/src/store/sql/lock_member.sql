select m.role, r.scopes as own_scopes
from identity.memberships m
left join identity.roles r on r.tenant_id = m.tenant_id and r.name = m.custom_role
where m.tenant_id = :tenant
  and m.user_id = :user
for update of m
