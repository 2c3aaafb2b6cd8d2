-- Of an acceptance, a refusal and a revocation at once one finds it open.
update identity.invitations i
set state = :state, decided_at = :at, email = ''
where i.tenant_id = :tenant
  and i.id = :id
  and i.secret_hash = :secret_hash
  and i.state = {invitation.open}
  and i.expires_at > :at
returning i.id
