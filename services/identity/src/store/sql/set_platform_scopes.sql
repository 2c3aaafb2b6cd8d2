update identity.users
set platform_scopes = :scopes
where id = :id
