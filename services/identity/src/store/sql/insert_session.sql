-- Not for a user who was disabled, or whose password was set, while it was checked.
with signer as (
    select id
    from identity.users
    where id = $2
      and disabled_at is null
      and password_version = $8
    for share
)
insert into identity.sessions (
    id, user_id, created_at, rotated_at, idle_expires_at, expires_at, address, user_agent
)
select $1, signer.id, $3, $3, $4, $5, $6, $7
from signer
returning id
