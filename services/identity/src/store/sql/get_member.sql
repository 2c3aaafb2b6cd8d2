select {member}
from identity.memberships m
join identity.users u on u.id = m.user_id
where m.tenant_id = :tenant
  and m.user_id = :user
