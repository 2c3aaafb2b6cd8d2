select id, email, display_name, kind, created_at, password_hash, disabled_at is not null as disabled
from identity.users
where email = $1
