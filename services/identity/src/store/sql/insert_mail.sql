insert into identity.outbox (id, kind, recipient, sealed, created_at, due_at, expires_at)
values (:id, :kind, :recipient, :sealed, :at, :at, :expires_at)
