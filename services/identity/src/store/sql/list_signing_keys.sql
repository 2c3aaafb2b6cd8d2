select {signing_key}
from identity.signing_keys
where retired_at is null
   or retired_at > :retired_after
order by created_at, kid
