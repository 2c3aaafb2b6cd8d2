update identity.signing_keys
set state = 'retired', retired_at = $1
where state = 'active'
