select
    u.platform_scopes,
    s.used_counter,
    m.tenant_id,
    m.role,
    r.scopes as custom_scopes,
    exists (select from identity.tenants t where t.id = $3) as tenant_exists
from identity.sessions s
join identity.users u on u.id = s.user_id
left join lateral (
    select tenant_id, role, custom_role
    from identity.memberships
    where user_id = u.id
      and ($3::uuid is null or tenant_id = $3)
    order by tenant_id
    limit 2
) m on true
left join identity.roles r on r.tenant_id = m.tenant_id and r.name = m.custom_role
where s.id = $1
  and u.id = $2
  and s.ended_at is null
  and s.expires_at > $4
  and u.disabled_at is null
