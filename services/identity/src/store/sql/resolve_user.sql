select
    u.platform_scopes,
    s.used_counter,
    m.tenant_id,
    m.role,
    r.scopes as own_scopes,
    m.suspended_at is not null as suspended,
    (select t.purge_at from identity.tenants t where t.id = coalesce(m.tenant_id, :tenant)) as deleted_until,
    exists (select from identity.tenants t where t.id = :tenant) as tenant_exists,
    s.expires_at as session_ends_at,
    u.kind,
    exists (
        select from identity.factors f where f.user_id = u.id and f.verified_at is not null
    ) as enrolled,
    coalesce(
        (select t.second_factor from identity.tenants t where t.id = coalesce(m.tenant_id, :tenant)),
        'optional'
    ) as asked
from identity.sessions s
join identity.users u on u.id = s.user_id
{memberships_of_u}
where s.id = :session
  and u.id = :user
  and s.ended_at is null
  and s.expires_at > :now
  and u.disabled_at is null
