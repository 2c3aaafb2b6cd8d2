update identity.users u
set disabled_at = null
where u.id = :id
returning {user}
