-- Of the thousand events up to a number, the last that happened before a time, or the
-- first of them all when none did.
select e.number, e.at, e.id, e.at < :at as is_before
from (
    select e.number, e.at, e.id
    from booking_events e
    where e.tenant_id = :tenant
      and e.number <= :number
    order by e.number desc
    limit 1000
) e
order by (e.at < :at) desc, case when e.at < :at then - e.number else e.number end
limit 1
