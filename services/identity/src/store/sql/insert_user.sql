insert into identity.users (id, email, display_name, kind, password_hash, platform_scopes, created_at)
values ($1, $2, $3, $4, $5, $6, $7)
returning id, email, display_name, kind, created_at, disabled_at
