update idempotency_keys
set answer = $3
where tenant_id = $1
  and key = $2
returning key
