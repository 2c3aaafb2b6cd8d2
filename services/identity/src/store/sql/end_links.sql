update identity.one_time_tokens
set used_at = :at
where user_id = :user
  and purpose in ({purpose.recover}, {purpose.change_email})
  and used_at is null
