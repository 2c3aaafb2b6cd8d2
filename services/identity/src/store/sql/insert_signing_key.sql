insert into identity.signing_keys (
    kid, state, public_x, public_y, private_key_sealed, created_at, activated_at
)
values ($1, $2, $3, $4, $5, $6, $7)
on conflict do nothing
