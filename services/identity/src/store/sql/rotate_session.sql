update identity.sessions
set
    counter = counter + 1,
    used_counter = counter,
    rotated_at = $3,
    idle_expires_at = $4
where id = $1
  and counter = $2
  and ended_at is null
returning counter
