-- No row when a booking, a hold or another block has one of the nights.
with stored as (
    insert into inventory_ranges (
        tenant_id, id, property_id, kind, start_date, end_date, state, note, created_at
    )
    select p.tenant_id, :id, p.id, {range.block}, :check_in, :check_out, {range.active}, :note, :at
    from properties p
    where p.tenant_id = :tenant
      and p.id = :property
      and not exists (
          select
          from bookings b
          where b.tenant_id = :tenant
            and b.property_id = :property
            and {bookings_overlap}
            and {blocking}
      )
    on conflict on constraint {constraint.inventory_ranges_no_overlap} do nothing
    returning tenant_id, {block_columns}
),
settled as (
    select count(*) as writes
    from stored
),
event as (
    insert into booking_events (block_id, {event_written})
    select id, tenant_id, :event, :at, null, null, property_id, {event.blocked}, '', {by}
    from stored, settled
)
select {block_columns}
from stored
