insert into identity.users as u (
    id, email, display_name, kind, password_hash, platform_scopes, created_at, email_confirmed_at
)
values (:id, :email, :display_name, :kind, :password_hash, :platform_scopes, :created_at, :email_confirmed_at)
returning {user}
