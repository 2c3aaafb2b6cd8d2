update identity.factors
set wrong_codes = 0
where user_id = :user
  and wrong_codes > 0
