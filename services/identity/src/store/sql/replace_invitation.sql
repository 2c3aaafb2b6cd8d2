update identity.invitations i
set state = 'revoked', decided_at = :at
where i.tenant_id = :tenant
  and i.email = :email
  and i.state = 'open'
