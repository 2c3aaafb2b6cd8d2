-- With the locks on the heads of these tenants, taken by a statement before: what this
-- one sees is as it was left by whoever had them last. A head whose row was lost or set
-- back is behind numbers that were given; then those count. Beside it comes the event
-- that has the number up to which the caller has read.
with heads as (
    select
        h.tenant_id,
        greatest(
            h.head,
            (
                select e.number
                from booking_events e
                where e.tenant_id = h.tenant_id
                  and e.number is not null
                order by e.number desc
                limit 1
            )
        ) as head,
        (
            select e.id
            from booking_events e
            where e.tenant_id = h.tenant_id
              and e.number = t.place
        ) as at_place
    from unnest(:tenants, :places) as t (tenant_id, place)
    join feed_heads h on h.tenant_id = t.tenant_id
),
waiting as (
    select
        e.tenant_id,
        e.id,
        h.head + row_number() over (partition by e.tenant_id order by e.tick, e.id) as number
    from heads h
    cross join lateral (
        select e.tenant_id, e.id, e.tick
        from booking_events e
        where e.tenant_id = h.tenant_id
          and e.number is null
        order by e.tick
        limit 500
    ) e
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
        select was.tenant_id, greatest(was.head, max(n.number)) as number
        from heads was
        left join numbered n on n.tenant_id = was.tenant_id
        group by was.tenant_id, was.head
    ) last
    where h.tenant_id = last.tenant_id
      and h.head < last.number
)
select was.tenant_id, was.head, was.at_place, n.number, {event_names}
from heads was
left join numbered n on n.tenant_id = was.tenant_id
order by was.tenant_id, n.number
