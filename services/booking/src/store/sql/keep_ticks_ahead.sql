-- Of all tenants, as the sweeper's role. Logical replication brings events with their
-- ticks and leaves the sequence behind, so that new events would be sorted before those
-- that have no number yet. Numbered ones have been sent. From tenant to tenant, since
-- the index has the ticks of each in order.
with recursive tenants as (
    (
        select e.tenant_id
        from booking_events e
        where e.number is null
        order by e.tenant_id
        limit 1
    )
    union all
    select (
        select e.tenant_id
        from booking_events e
        where e.number is null
          and e.tenant_id > t.tenant_id
        order by e.tenant_id
        limit 1
    )
    from tenants t
    where t.tenant_id is not null
),
waiting as (
    select max(last.tick) as tick
    from tenants t
    cross join lateral (
        select e.tick
        from booking_events e
        where e.tenant_id = t.tenant_id
          and e.number is null
          -- The sequence would end beyond it.
          and e.tick < {numbers_end}
        order by e.tick desc
        limit 1
    ) last
)
select setval('booking_event_ticks', waiting.tick + 1000000)
from waiting
cross join booking_event_ticks ticks
where waiting.tick > ticks.last_value
