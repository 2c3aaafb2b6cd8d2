select kid, state, public_x, public_y, private_key_sealed, created_at, activated_at, retired_at
from identity.signing_keys
where retired_at is null
   or retired_at > $1
order by created_at, kid
