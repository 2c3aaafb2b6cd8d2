-- Not for a user who was disabled, or whose password was set, while it was checked.
with signer as (
    select id
    from identity.users
    where id = :user
      and disabled_at is null
      and password_version = :password_version
    for share
)
insert into identity.sessions (
    id, user_id, created_at, rotated_at, idle_expires_at, expires_at, address, user_agent, method
)
select :id, signer.id, :at, :at, :idle_expires_at, :expires_at, :address, :user_agent, :method
from signer
returning id
