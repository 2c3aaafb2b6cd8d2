update identity.users u
set disabled_at = coalesce(u.disabled_at, :at)
where u.id = :id
returning {user}
