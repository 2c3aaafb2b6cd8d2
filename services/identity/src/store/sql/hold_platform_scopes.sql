-- They are not taken, and their user is not disabled, until what is done by them is stored.
select u.platform_scopes
from identity.users u
where u.id = :id
  and u.disabled_at is null
for share
