-- Of two uses at once one finds it unused. Who confirms an address must still have it.
update identity.one_time_tokens t
set used_at = :now
from identity.users u
where t.secret_hash = :secret_hash
  and t.purpose in ('confirm_email', 'change_email')
  and t.used_at is null
  and t.expires_at > :now
  and u.id = t.user_id
  and (u.email = t.email or t.purpose = 'change_email')
  and u.disabled_at is null
returning t.user_id, t.email as new_email, u.email as old_email
