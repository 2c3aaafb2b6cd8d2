-- What somebody offered in any tenant, but where a membership lets the user go on offering: as
-- an owner, or by a role of the tenant's own, whichever counts.
update identity.invitations i
set state = {invitation.revoked}, decided_at = :at, email = ''
where i.invited_by = :user
  and i.state = {invitation.open}
  and not exists (
      select
      from identity.memberships m
      left join identity.roles r on r.tenant_id = m.tenant_id and r.name = m.custom_role
      where m.tenant_id = i.tenant_id
        and m.user_id = :user
        and (m.role = :owner or :manage = any (r.scopes))
  )
returning i.tenant_id, i.id as invitation_id
