select {member}
from identity.memberships m
join identity.users u on u.id = m.user_id
where m.tenant_id = :tenant
  and (u.email, u.id) > (:after_email, :after_id)
order by u.email, u.id
limit :limit
