update identity.users
set disabled_at = null
where id = $1
returning id, email, display_name, kind, created_at, disabled_at
