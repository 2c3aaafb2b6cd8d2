-- Letters that are due, the earliest first; whoever has taken one has it until `lease_ends_at`.
-- Those of a tenant that is to be deleted wait until it is restored. A count that another
-- program has put at its end stays there.
with due as (
    select o.id
    from identity.outbox o
    where o.dead_at is null
      and o.due_at <= :now
      and not exists (
          select from identity.tenants t where t.id = o.of_tenant and t.purge_at is not null
      )
    order by o.due_at, o.id
    limit :most
    for update skip locked
)
update identity.outbox o
set due_at = :lease_ends_at, attempts = least(o.attempts, 2147483646) + 1
from due
where o.id = due.id
returning o.id, o.kind, o.recipient, o.sealed, o.created_at, o.expires_at, o.attempts
