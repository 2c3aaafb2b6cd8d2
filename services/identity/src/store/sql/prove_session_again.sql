-- By two, as where the second factor is proved.
update identity.sessions
set
    counter = counter + 2,
    used_counter = counter + 1,
    rotated_at = :at,
    idle_expires_at = :idle_expires_at,
    method = 'password',
    proved_at = :at
where id = :id
  and user_id = :user
  and ended_at is null
  and expires_at > :at
  and idle_expires_at > :at
returning
    counter,
    method,
    coalesce(proved_at, created_at) as proved_at,
    coalesce(second_method, '') as second_method,
    second_at
