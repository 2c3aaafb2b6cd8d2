update identity.invitations i
set state = {invitation.revoked}, decided_at = :at, email = ''
where i.tenant_id = :tenant
  and i.id = :id
  and i.state = {invitation.open}
  and i.expires_at > :at
returning i.role
