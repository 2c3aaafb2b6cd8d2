-- They are not taken, and their user is not disabled, until what is done by them is stored. As
-- strong as what a change does to a user: two that share the row would both wait to lock it.
select u.platform_scopes
from identity.users u
where u.id = :id
  and u.disabled_at is null
for no key update
