update identity.signing_keys
set state = 'active', activated_at = $2
where kid = $1
