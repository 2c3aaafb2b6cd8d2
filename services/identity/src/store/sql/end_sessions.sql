with ended as (
    update identity.sessions
    set ended_at = :at, ended_because = :because
    where user_id = :user
      and ended_at is null
      and expires_at > :at
      and idle_expires_at > :at
      and id = :only -- if :only
      and id <> :but -- if :but
    returning id
)
select count(*) as ended from ended
