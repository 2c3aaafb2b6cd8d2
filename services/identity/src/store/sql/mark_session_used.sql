update identity.sessions
set used_counter = :counter
where id = :id
  and used_counter < :counter
  and counter >= :counter
