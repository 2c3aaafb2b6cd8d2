update identity.sessions
set used_counter = $2
where id = $1
  and used_counter < $2
  and counter >= $2
