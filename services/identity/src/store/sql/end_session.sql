update identity.sessions
set ended_at = :at, ended_because = :because
where id = :id
  and ended_at is null
