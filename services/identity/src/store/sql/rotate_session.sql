update identity.sessions
set
    counter = counter + 1,
    used_counter = counter,
    rotated_at = :at,
    idle_expires_at = :idle_expires_at
where id = :id
  and counter = :counter
  and ended_at is null
returning counter
