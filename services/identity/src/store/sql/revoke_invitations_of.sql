-- What somebody offered who may do so no more.
update identity.invitations i
set state = {invitation.revoked}, decided_at = :at, email = ''
where i.tenant_id = :tenant
  and i.invited_by = :user
  and i.state = {invitation.open}
