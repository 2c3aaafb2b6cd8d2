select user_id
from identity.memberships
where tenant_id = :tenant
  and role = :owner
order by user_id
for update
