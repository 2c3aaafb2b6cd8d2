-- Of a user whose row is locked: none of them is let alone meanwhile.
update identity.passkeys
set alone_from = null
where user_id = :user
  and alone_from is not null
