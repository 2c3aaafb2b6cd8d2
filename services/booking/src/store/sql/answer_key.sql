update idempotency_keys
set answer = :answer
where tenant_id = :tenant
  and key = :key
returning key
