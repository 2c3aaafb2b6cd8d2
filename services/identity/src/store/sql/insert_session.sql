with started as (
    insert into identity.sessions (id, user_id, created_at, rotated_at, idle_expires_at, expires_at)
    values ($1, $2, $3, $3, $4, $5)
    returning id
)
insert into identity.audit_events (id, at, action, outcome, user_id, session_id)
select $6, $3, 'login', 'success', $2, started.id
from started
