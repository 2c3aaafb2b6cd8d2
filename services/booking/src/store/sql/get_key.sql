select request_hash, answer
from idempotency_keys
where tenant_id = $1
  and key = $2
