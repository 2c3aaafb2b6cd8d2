select m.role, r.scopes as custom_scopes
from identity.memberships m
left join identity.roles r on r.tenant_id = m.tenant_id and r.name = m.custom_role
where m.tenant_id = $1
  and m.user_id = $2
for update of m
