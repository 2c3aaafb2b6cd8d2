select
    u.id,
    u.email,
    u.display_name,
    u.kind,
    u.created_at,
    u.disabled_at,
    m.role,
    m.created_at as member_since
from identity.memberships m
join identity.users u on u.id = m.user_id
where m.tenant_id = $1
  and m.user_id = $2
