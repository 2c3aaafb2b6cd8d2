-- Not of an inviter who was disabled, or of a key that has ended, since.
select
    i.id as invitation_id,
    i.tenant_id,
    t.name as tenant_name,
    i.email as invited_email,
    i.role,
    coalesce(inviter.display_name, '') as inviter_display_name,
    i.expires_at,
    i.proves_address
from identity.invitations i
join identity.tenants t on t.id = i.tenant_id
left join identity.users inviter on inviter.id = i.invited_by
left join identity.tenant_api_keys k on k.tenant_id = i.tenant_id and k.id = i.invited_by_key
where i.secret_hash = :secret_hash
  and i.state = {invitation.open}
  and i.expires_at > :now
  and t.suspended_at is null
  and t.purge_at is null
  and inviter.disabled_at is null
  and k.revoked_at is null
  and (k.expires_at is null or k.expires_at > :now)
