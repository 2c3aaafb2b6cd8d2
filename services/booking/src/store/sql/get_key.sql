select request_hash, answer
from idempotency_keys
where tenant_id = :tenant
  and key = :key
