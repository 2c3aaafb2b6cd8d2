select id, email, display_name, kind, created_at, disabled_at, password_hash, password_version
from identity.users
where id = $1
