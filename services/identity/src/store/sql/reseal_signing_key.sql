update identity.signing_keys
set private_key_sealed = :sealed
where kid = :kid
