select
    id,
    created_at,
    rotated_at,
    least(idle_expires_at, expires_at) as session_expires_at,
    address,
    user_agent
from identity.sessions
where user_id = :user
  and ended_at is null
  and expires_at > :now
  and idle_expires_at > :now
order by created_at desc, id desc
limit 200
