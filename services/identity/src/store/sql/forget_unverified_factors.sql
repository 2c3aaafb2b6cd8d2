delete from identity.factors
where user_id = :user
  and verified_at is null
  and created_at < :before
