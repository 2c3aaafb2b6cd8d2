select
    id,
    created_at,
    rotated_at,
    least(idle_expires_at, expires_at) as session_expires_at,
    address,
    user_agent
from identity.sessions
where user_id = $1
  and ended_at is null
  and expires_at > $2
  and idle_expires_at > $2
order by created_at desc, id desc
limit 200
