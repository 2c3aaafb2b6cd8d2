delete from identity.recovery_codes
where user_id = :user
  and code_hash = :hash
returning user_id
