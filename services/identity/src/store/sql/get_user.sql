select id, email, display_name, kind, created_at, disabled_at, platform_scopes
from identity.users
where id = $1
