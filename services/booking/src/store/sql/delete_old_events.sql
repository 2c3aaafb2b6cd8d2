-- Of all tenants, as the sweeper's role: events that are no history of a request or a
-- booking and that their feeds have forgotten, but for the last that was forgotten, which
-- cursors name. The oldest thousand at a time, so that no lock is held for long; a row
-- says that there may be more.
with gone as (
    delete from booking_events e
    using feed_heads h
    where h.tenant_id = e.tenant_id
      and h.forgotten > e.number
      and e.booking_request_id is null
      and e.booking_id is null
      and e.at <= (
          select max(old.at)
          from (
              select o.at
              from booking_events o
              join feed_heads f on f.tenant_id = o.tenant_id
              where f.forgotten > o.number
                and o.booking_request_id is null
                and o.booking_id is null
                and o.at < :before
              order by o.at
              limit 1000
          ) old
      )
    returning e.at
)
select count(*) as events
from gone
having count(*) >= 1000
