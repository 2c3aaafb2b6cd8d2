select {signing_key}
from identity.signing_keys
where revoked_at is null
  and (retired_at is null or retired_at > :retired_after)
order by created_at, kid
