select id, email, display_name, kind, created_at, disabled_at, password_hash
from identity.users
where email = $1
