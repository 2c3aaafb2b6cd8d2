-- How much is in the outbox, up to a number that is enough to know. Letters of a tenant that is to
-- be deleted wait for its restoration, and are not counted.
select waiting.letters as waiting, waiting.oldest_at, dead.letters as dead
from (
    select count(*) as letters, min(due.created_at) as oldest_at
    from (
        select o.created_at
        from identity.outbox o
        where o.dead_at is null
          and not exists (
              select from identity.tenants t where t.id = o.of_tenant and t.purge_at is not null
          )
        order by o.due_at, o.id
        limit :most
    ) due
) waiting
cross join (
    select count(*) as letters
    from (
        select o.id
        from identity.outbox o
        where o.dead_at is not null
        order by o.dead_at, o.id
        limit :most
    ) given_up
) dead
