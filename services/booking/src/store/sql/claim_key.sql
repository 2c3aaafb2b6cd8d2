-- One row when the key is free or old. Waits while a call with the key is under way.
insert into idempotency_keys (tenant_id, key, request_hash, created_at)
values (:tenant, :key, :request_hash, :at)
on conflict on constraint idempotency_keys_pkey do update
set request_hash = excluded.request_hash, answer = null, created_at = excluded.created_at
where idempotency_keys.created_at < :old
returning key
