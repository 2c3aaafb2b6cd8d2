update identity.users
set disabled_at = coalesce(disabled_at, $2)
where id = $1
returning id, email, display_name, kind, created_at, disabled_at
