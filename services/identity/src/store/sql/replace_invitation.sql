update identity.invitations i
set state = {invitation.revoked}, decided_at = :at, email = ''
where i.tenant_id = :tenant
  and i.email = :email
  and i.state = {invitation.open}
