select m.tenant_id
from identity.memberships m
where m.user_id = :user
  and m.role = :owner
limit 1
