insert into identity.signing_keys (
    kid, state, public_x, public_y, private_key_sealed, created_at, activated_at
)
values (:kid, :state, :x, :y, :sealed, :created_at, :activated_at)
on conflict do nothing
