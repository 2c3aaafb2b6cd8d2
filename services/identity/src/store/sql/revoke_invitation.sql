update identity.invitations i
set state = 'revoked', decided_at = :at, email = ''
where i.tenant_id = :tenant
  and i.id = :id
  and i.state = 'open'
  and i.expires_at > :at
returning i.role
