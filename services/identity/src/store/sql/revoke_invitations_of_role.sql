-- What members with one of the tenant's own roles offered, when that grants less.
update identity.invitations i
set state = {invitation.revoked}, decided_at = :at, email = ''
from identity.memberships m
where i.tenant_id = :tenant
  and i.state = {invitation.open}
  and m.tenant_id = :tenant
  and m.user_id = i.invited_by
  and m.custom_role = :role
