-- Of a user whose row is locked: it is not let alone meanwhile.
update identity.passkeys
set alone_from = null
where factor_id = :factor
  and alone_from is not null
returning factor_id
