-- Of all tenants, as the sweeper's role: events that are no history of a request or a
-- booking. The oldest thousand at a time, so that no lock is held for long; a row says
-- that there may be more.
with gone as (
    delete from booking_events e
    where e.booking_request_id is null
      and e.booking_id is null
      and e.at <= (
          select max(old.at)
          from (
              select o.at
              from booking_events o
              where o.booking_request_id is null
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
