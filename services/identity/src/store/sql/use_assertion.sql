insert into identity.used_assertions (tenant_id, api_key_id, assertion_hash, expires_at)
values (:tenant, :id, :hash, :until)
on conflict do nothing
returning expires_at
