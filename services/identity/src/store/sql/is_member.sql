select m.user_id
from identity.memberships m
join identity.users u on u.id = m.user_id
where m.tenant_id = :tenant
  and u.email = any (:stored)
limit 1
