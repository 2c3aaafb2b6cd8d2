-- Those who can sign in; their logins wait as long.
select u.id
from identity.users u
where u.platform_scopes <> '{}'
  and :operate = any (u.platform_scopes)
  and u.disabled_at is null
order by u.id
for no key update
