delete from identity.factors
where id = :id
  and user_id = :user
