update identity.sessions
set ended_at = $2, ended_because = 'refresh_token_reused'
where id = $1
  and ended_at is null
