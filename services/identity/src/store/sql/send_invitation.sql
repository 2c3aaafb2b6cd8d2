-- The link that goes to the address takes the place of the one before it.
update identity.invitations i
set secret_hash = :new_hash, proves_address = true
where i.tenant_id = :tenant
  and i.id = :id
  and i.secret_hash = :secret_hash
  and i.state = {invitation.open}
  and i.expires_at > :at
returning i.id
