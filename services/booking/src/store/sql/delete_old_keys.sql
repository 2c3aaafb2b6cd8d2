-- Of all tenants, as the sweeper's role, whose policy shows old rows only. The oldest
-- thousand at a time, so that no lock is held for long; a row says that there may be more.
with gone as (
    delete from idempotency_keys k
    where k.created_at < :old
      and k.created_at <= (
          select max(old.created_at)
          from (
              select o.created_at
              from idempotency_keys o
              where o.created_at < :old
              order by o.created_at
              limit 1000
          ) old
      )
    returning k.created_at
)
select count(*) as keys
from gone
having count(*) >= 1000
