-- With the locks on the heads of these tenants, taken by a statement before: what this
-- one sees is as it was left by whoever had them last.
with waiting as (
    select
        e.tenant_id,
        e.id,
        h.head + row_number() over (partition by e.tenant_id order by e.tick, e.id) as number
    from feed_heads h
    cross join lateral (
        select e.tenant_id, e.id, e.tick
        from booking_events e
        where e.tenant_id = h.tenant_id
          and e.number is null
        order by e.tick
        limit 500
    ) e
    where h.tenant_id = any (:tenants)
),
numbered as (
    update booking_events e
    set number = waiting.number
    from waiting
    where e.tenant_id = waiting.tenant_id
      and e.id = waiting.id
    returning e.tenant_id, {event_columns}, e.number
),
moved as (
    update feed_heads h
    set head = last.number
    from (
        select n.tenant_id, max(n.number) as number
        from numbered n
        group by n.tenant_id
    ) last
    where h.tenant_id = last.tenant_id
)
select tenant_id, {event_names}, number
from numbered
order by tenant_id, number
