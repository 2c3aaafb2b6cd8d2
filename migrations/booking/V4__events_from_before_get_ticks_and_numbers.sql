-- Events from before ticks get them, all below zero and so below every tick of the
-- sequence, and their numbers, in the order in which they were told until now.
--
-- It writes every old event once and locks these rows only, which nobody else
-- writes: calls and watchers go on meanwhile, whatever the number of events (1,000,000
-- take about half a minute). Events that are written meanwhile have ticks of the sequence.
with old as (
    select
        e.tenant_id,
        e.id,
        - row_number() over (order by e.position desc, e.at desc, e.id desc) as tick,
        row_number() over (partition by e.tenant_id order by e.position, e.at, e.id) as number
    from booking_events e
    where e.tick is null
)
update booking_events e
set tick = old.tick, number = old.number
from old
where e.tenant_id = old.tenant_id
  and e.id = old.id;

insert into feed_heads (tenant_id, head)
select e.tenant_id, max(e.number)
from booking_events e
where e.number is not null
group by e.tenant_id;
