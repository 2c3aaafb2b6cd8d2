-- A link that was sent before works no more, whoever asked for it.
with changed as (
    update identity.users
    set password_hash = :hash, password_version = password_version + 1
    where id = :id
      and deleted_at is null
      and password_version = :version -- if :version
    returning id
),
links as (
    update identity.one_time_tokens t
    set used_at = :at
    from changed
    where t.user_id = changed.id
      and t.purpose in ({purpose.recover}, {purpose.change_email})
      and t.used_at is null
)
select id
from changed
