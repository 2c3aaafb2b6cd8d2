select u.id
from identity.invitations i
join identity.users u on u.id = i.invited_by
where i.secret_hash = :secret_hash
for share of u
