with ended as (
    update identity.sessions
    set ended_at = $2, ended_because = 'refresh_token_reused'
    where id = $1
      and ended_at is null
    returning id, user_id
)
insert into identity.audit_events (id, at, action, outcome, user_id, session_id)
select $3, $2, 'refresh_token_reused', 'failure', ended.user_id, ended.id
from ended
