update identity.passkeys
set alone_from = :at
where factor_id = :factor
  and alone_from is null
