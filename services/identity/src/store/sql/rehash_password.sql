update identity.users
set password_hash = :new
where id = :user
  and password_hash = :old
