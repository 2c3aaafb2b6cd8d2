update identity.signing_keys
set state = :retired, retired_at = :long_ago, revoked_at = :at
where kid = :kid
  and revoked_at is null
returning kid
