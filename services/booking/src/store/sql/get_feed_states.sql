-- The head is the last number that an event has, unless that was forgotten and is gone.
select
    t.tenant_id,
    greatest(
        case when h.head < {numbers_end} then h.head end,
        (
            select e.number
            from booking_events e
            where e.tenant_id = t.tenant_id
              and e.number < {numbers_end}
            order by e.number desc
            limit 1
        ),
        0
    ) as head,
    coalesce(case when h.forgotten < {numbers_end} then h.forgotten end, 0) as forgotten,
    coalesce(
        (
            select true
            from booking_events e
            where e.tenant_id = t.tenant_id
              and e.number is null
            limit 1
        ),
        false
    ) as waiting
from unnest(:tenants) as t (tenant_id)
left join feed_heads h on h.tenant_id = t.tenant_id
