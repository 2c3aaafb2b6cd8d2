-- What members with one of the tenant's own roles offered, when that grants less.
update identity.invitations i
set state = 'revoked', decided_at = :at, email = ''
from identity.memberships m
where i.tenant_id = :tenant
  and i.state = 'open'
  and m.tenant_id = :tenant
  and m.user_id = i.invited_by
  and m.custom_role = :role
