-- A feed gives no event from before a time: of the next thousand numbers, those before
-- the first event that is younger are forgotten. The rows stay where they are. A time
-- that is still to come says nothing of when its event was written: another program made
-- a row so, and what happens to the row comes after it. Such an event is forgotten with an
-- older one after it. Numbers that were forgotten are not given again, whatever becomes of
-- their events: that is what the head says.
update feed_heads h
set forgotten = old.number, head = greatest(h.head, old.number)
from (
    select max(e.number) as number
    from (
        select e.number, bool_or(e.at >= :before) over (order by e.number) as is_kept
        from (
            select e.number, e.at
            from booking_events e
            join feed_heads f on f.tenant_id = e.tenant_id
            where f.tenant_id = :tenant
              and e.tenant_id = :tenant
              and e.number > f.forgotten
              and e.number < {numbers_end}
              and e.at <= :now
            order by e.number
            limit 1000
        ) e
    ) e
    where not e.is_kept
) old
where h.tenant_id = :tenant
  and old.number > h.forgotten
returning h.forgotten
