select u.id
from identity.invitations i
join identity.users u on u.id = i.invited_by
where i.tenant_id = :tenant
  and i.secret_hash = :secret_hash
for share of u
