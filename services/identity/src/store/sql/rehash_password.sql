update identity.users
set password_hash = $3
where id = $1
  and password_hash = $2
