update identity.users
set password_hash = $2, password_version = password_version + 1
where id = $1
  and ($3::integer is null or password_version = $3)
returning id
