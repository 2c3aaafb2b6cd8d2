select kid, state, public_x, public_y, private_key_sealed, created_at, activated_at, retired_at
from identity.signing_keys
where state <> 'retired'
order by created_at, kid
for update
