update identity.signing_keys
set state = :active, activated_at = :at
where kid = :kid
