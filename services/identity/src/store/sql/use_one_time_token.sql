-- Of two uses at once one finds it unused. An address that was changed since is another one.
update identity.one_time_tokens t
set used_at = :now
from identity.users u
where t.secret_hash = :secret_hash
  and t.purpose = :purpose
  and t.used_at is null
  and t.expires_at > :now
  and u.id = t.user_id
  and u.email = t.email
  and u.disabled_at is null
returning t.user_id
