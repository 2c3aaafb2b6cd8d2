select count(*) as sessions, max(least(idle_expires_at, expires_at)) as end_at
from identity.sessions
where ended_at is null
  and rotated_at <= :before
  and expires_at > :now
  and idle_expires_at > :now
