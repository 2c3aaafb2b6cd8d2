update identity.users u
set disabled_at = coalesce(u.disabled_at, :at)
where u.id = :id
  and u.deleted_at is null
returning {user}
