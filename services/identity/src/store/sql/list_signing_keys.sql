select kid, state, public_x, public_y, private_key_sealed
from identity.signing_keys
order by created_at, kid
