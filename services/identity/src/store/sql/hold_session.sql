-- It does not end until what is done in it is stored.
select s.id
from identity.sessions s
where s.id = :session
  and s.user_id = :user
  and s.ended_at is null
  and s.expires_at > :at
  and s.idle_expires_at > :at
for share
