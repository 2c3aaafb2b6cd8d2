-- What somebody offered was the role as it was.
update identity.invitations i
set state = {invitation.revoked}, decided_at = :at, email = ''
where i.tenant_id = :tenant
  and i.role = :role
  and i.state = {invitation.open}
