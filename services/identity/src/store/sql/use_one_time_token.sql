-- Of two uses at once one finds it unused, also of two links of one account: the others end
-- with the one that is used. An address that was changed since is another one, also one that
-- is being changed: the user's row is locked first.
with owner as (
    select u.id, u.email
    from identity.users u
    where u.id = (
        select t.user_id
        from identity.one_time_tokens t
        where t.secret_hash = :secret_hash
    )
      and u.disabled_at is null
    for no key update
),
used as (
    update identity.one_time_tokens t
    set used_at = :now
    from owner u
    where t.secret_hash = :secret_hash
      and t.purpose = :purpose
      and t.used_at is null
      and t.expires_at > :now
      and u.id = t.user_id
      and u.email = t.email
    returning t.user_id
),
others as (
    update identity.one_time_tokens t
    set used_at = :now
    from used
    where t.user_id = used.user_id
      and t.purpose = :purpose
      and t.secret_hash <> :secret_hash
      and t.used_at is null
      and t.expires_at > :now
)
select user_id
from used
