select u.platform_scopes
from identity.users u
where u.id = :id
for update
