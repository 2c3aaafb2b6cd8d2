select id, email, display_name, kind, created_at, disabled_at
from identity.users
where (email, id) > ($1, $2)
order by email, id
limit $3
