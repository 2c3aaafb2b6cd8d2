select
    s.counter,
    s.used_counter,
    s.rotated_at,
    least(s.idle_expires_at, s.expires_at) as session_expires_at,
    s.ended_at is not null or u.disabled_at is not null as ended,
    s.method,
    coalesce(s.proved_at, s.created_at) as proved_at,
    coalesce(s.second_method, '') as second_method,
    s.second_at,
    {user}
from identity.sessions s
join identity.users u on u.id = s.user_id
where s.id = :id
for update of s
