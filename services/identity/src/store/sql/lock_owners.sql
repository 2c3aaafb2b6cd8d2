-- Who cannot sign in cannot act for the tenant: owners are those who can.
select m.user_id
from identity.memberships m
join identity.users u on u.id = m.user_id
where m.tenant_id = :tenant
  and m.role = :owner
  and u.disabled_at is null
order by m.user_id
for update of m
