-- A feed gives no event from before a time. Of the next thousand numbers, those up to
-- the first that is younger are forgotten; the rows stay where they are.
update feed_heads h
set forgotten = old.number
from (
    select coalesce(min(e.number) filter (where e.at >= :before) - 1, max(e.number)) as number
    from (
        select e.number, e.at
        from booking_events e
        join feed_heads f on f.tenant_id = e.tenant_id
        where f.tenant_id = :tenant
          and e.tenant_id = :tenant
          and e.number > f.forgotten
        order by e.number
        limit 1000
    ) e
) old
where h.tenant_id = :tenant
  and old.number > h.forgotten
returning h.forgotten
