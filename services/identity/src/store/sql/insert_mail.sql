insert into identity.outbox (id, kind, recipient, sealed, created_at, due_at, expires_at, of_tenant)
values (:id, :kind, :recipient, :sealed, :at, :at, :expires_at, :of_tenant)
