insert into identity.signing_keys (kid, state, public_x, public_y, private_key_sealed, created_at)
values ($1, 'active', $2, $3, $4, $5)
on conflict do nothing
