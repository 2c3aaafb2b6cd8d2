-- By two: the token before is not the predecessor of the new one, so whoever holds that
-- one gets none with the second factor by it.
update identity.sessions
set
    counter = counter + 2,
    used_counter = counter + 1,
    rotated_at = :at,
    idle_expires_at = :idle_expires_at,
    second_method = coalesce(:method, second_method::text),
    second_at = case when :method is null then second_at else :at end
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
