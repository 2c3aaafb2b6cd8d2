insert into identity.users as u (
    id, email, display_name, kind, password_hash, platform_scopes, created_at
)
values (:id, :email, :display_name, :kind, :password_hash, :platform_scopes, :created_at)
returning {user}
