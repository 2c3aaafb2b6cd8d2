-- Whoever gives roles, or makes keys, can have all that an owner has.
select m.tenant_id
from identity.memberships m
left join identity.roles r on r.tenant_id = m.tenant_id and r.name = m.custom_role
where m.user_id = :user
  and (m.role = :owner or r.scopes && :manages)
limit 1
