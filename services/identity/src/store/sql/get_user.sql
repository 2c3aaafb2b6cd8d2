select {user}, u.platform_scopes
from identity.users u
where u.id = :id
  and u.deleted_at is null
