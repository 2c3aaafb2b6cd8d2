select
    u.platform_scopes,
    0::bigint as used_counter,
    m.tenant_id,
    m.role,
    r.scopes as own_scopes,
    exists (select from identity.tenants t where t.id = :tenant) as tenant_exists,
    null::timestamptz as session_ends_at
from identity.users u
{memberships_of_u}
where u.id = :user
  and u.disabled_at is null
