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
    -- Each column with its table: a bare name that memberships had lost would be that of
    -- a row around it, and everybody's memberships the caller's.
    select own.tenant_id, own.role, own.custom_role
    from identity.memberships own
    where own.user_id = u.id
      and (:tenant is null or own.tenant_id = :tenant)
    order by own.tenant_id
    limit 2
) m on true
left join identity.roles r on r.tenant_id = m.tenant_id and r.name = m.custom_role
where s.id = :session
  and u.id = :user
  and s.ended_at is null
  and s.expires_at > :now
  and u.disabled_at is null
