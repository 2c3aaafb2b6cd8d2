select {user}
from identity.one_time_tokens t
join identity.users u on u.id = t.user_id
where t.secret_hash = :secret_hash
  and t.purpose = :purpose
  and t.used_at is null
  and t.expires_at > :now
  and u.email = t.email
  and u.disabled_at is null
