with ended as (
    update identity.sessions
    set ended_at = $3, ended_because = $5
    where user_id = $1
      and ended_at is null
      and expires_at > $3
      and idle_expires_at > $3
      and case $4
          when 'local' then id = $2
          when 'others' then id <> $2
          else true
      end
    returning id
)
select count(*) as ended from ended
