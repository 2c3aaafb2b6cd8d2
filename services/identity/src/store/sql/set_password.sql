update identity.users
set password_hash = :hash, password_version = password_version + 1
where id = :id
  and password_version = :version -- if :version
returning id
