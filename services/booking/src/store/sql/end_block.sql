-- One that has ended before stays ended, without another event.
with block as (
    select i.id, {active} as active
    from inventory_ranges i
    where i.tenant_id = :tenant
      and i.property_id = :property
      and i.id = :id
      and i.kind::text = {range.block}
    for update
),
ended as (
    update inventory_ranges i
    set state = {range.cancelled}
    from block
    where i.tenant_id = :tenant
      and i.id = block.id
    returning i.tenant_id, {range_columns}, block.active
),
settled as (
    select count(*) as writes
    from ended
),
event as (
    insert into booking_events (block_id, {event_written})
    select id, tenant_id, :event, :at, null, null, property_id, {event.unblocked}, '', {by}
    from ended, settled
    where ended.active
)
select {block_columns}
from ended
