-- With the locks on the heads of these tenants, taken by a statement before: what this
-- one sees is as it was left by whoever had them last. The head is the last number that an
-- event has; the row of the head, which is locked, says only what no event may get any
-- more (`forget_events`), so that numbering writes nothing but the events. Beside it comes
-- the event that has the number up to which the caller has read, mostly the last one.
--
-- How many events wait is no matter of statistics: they are as of a time at which nobody
-- read, or everybody. So neither step may be planned by them. The limit is a number that
-- Postgres does not know when it plans: that makes it walk the index in the order of
-- ticks, which passes what was numbered since the last vacuum once, where a bitmap passes
-- it each time. And the rows are written where they were found, or they would be joined
-- to a walk through all events as soon as many are expected to wait.
with heads as (
    select
        h.tenant_id,
        greatest(case when h.head < {numbers_end} then h.head end, last.number, 0) as head,
        case
            when last.number = t.place then last.id
            else (
                select e.id
                from booking_events e
                where e.tenant_id = h.tenant_id
                  and e.number = t.place
            )
        end as at_place
    from unnest(:tenants, :places) as t (tenant_id, place)
    join feed_heads h on h.tenant_id = t.tenant_id
    left join lateral (
        select e.number, e.id
        from booking_events e
        where e.tenant_id = h.tenant_id
          and e.number < {numbers_end}
        order by e.number desc
        limit 1
    ) last on true
),
waiting as (
    select
        e.tenant_id,
        e.id,
        e.row_place,
        h.head + row_number() over (partition by e.tenant_id order by e.tick, e.id) as number
    from heads h
    cross join lateral (
        select e.tenant_id, e.id, e.tick, e.ctid as row_place
        from booking_events e
        where e.tenant_id = h.tenant_id
          and e.number is null
        order by e.tick
        limit (select 500)
    ) e
),
numbered as (
    update booking_events e
    set number = waiting.number
    from waiting
    where e.tenant_id = waiting.tenant_id
      and e.id = waiting.id
      and e.ctid = any (array(select w.row_place from waiting w))
    returning e.tenant_id, {event_columns}, e.number
)
select was.tenant_id, was.head, was.at_place, n.number, {event_names}
from heads was
left join numbered n on n.tenant_id = was.tenant_id
order by was.tenant_id, n.number
