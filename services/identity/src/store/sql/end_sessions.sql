with ended as (
    update identity.sessions
    set ended_at = $3, ended_because = 'logout'
    where user_id = $1
      and ended_at is null
      and case $4
          when 'local' then id = $2
          when 'others' then id <> $2
          else true
      end
    returning id
),
audited as (
    insert into identity.audit_events (id, at, action, outcome, user_id, session_id)
    values ($5, $3, 'logout', 'success', $1, $2)
)
select count(*) as ended from ended
