-- The challenges that were answered only get later: of any number of calls with one answer, one
-- is right.
update identity.passkeys
set sign_count = :sign_count, backed_up = :backed_up, asked_at = :asked_at
where factor_id = :factor
  and asked_at < :asked_at
returning factor_id
