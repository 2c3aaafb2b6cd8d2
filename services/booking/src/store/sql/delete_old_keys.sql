-- Of all tenants, as the sweeper's role, whose policy shows old rows only.
delete from idempotency_keys
where created_at < :old
