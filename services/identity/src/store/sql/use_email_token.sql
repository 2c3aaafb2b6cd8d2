-- Of two uses at once one finds it unused. Who confirms an address must still have it. The user's
-- row is locked first, as by whoever ends the links of a user.
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
)
update identity.one_time_tokens t
set used_at = :now
from owner u
where t.secret_hash = :secret_hash
  and t.purpose in ({purpose.confirm_email}, {purpose.change_email})
  and t.used_at is null
  and t.expires_at > :now
  and u.id = t.user_id
  and (u.email = t.email or t.purpose = {purpose.change_email})
returning t.user_id, t.email as new_email, u.email as old_email
