select
    u.platform_scopes,
    s.used_counter,
    m.tenant_id,
    m.role,
    r.scopes as own_scopes,
    exists (select from identity.tenants t where t.id = :tenant) as tenant_exists
from identity.sessions s
join identity.users u on u.id = s.user_id
left join lateral (
    select tenant_id, role, custom_role
    from identity.memberships
    where user_id = u.id
      and (:tenant is null or tenant_id = :tenant)
    order by tenant_id
    limit 2
) m on true
left join identity.roles r on r.tenant_id = m.tenant_id and r.name = m.custom_role
where s.id = :session
  and u.id = :user
  and s.ended_at is null
  and s.expires_at > :now
  and u.disabled_at is null
