update identity.signing_keys
set state = :retired, retired_at = :at
where state = :active
