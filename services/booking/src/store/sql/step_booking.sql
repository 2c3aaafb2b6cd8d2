-- Check-in, check-out or no-show; a no-show frees the dates.
with stepped as (
    update bookings b
    set status = $3, row_version = b.row_version + 1, updated_at = $4
    where b.tenant_id = $1
      and b.id = $2
    returning {booking_columns}, b.tenant_id
),
freed_ranges as (
    update inventory_ranges i
    set state = 'cancelled'
    where i.tenant_id = $1
      and i.source_id = $2
      and i.kind = 'booking'
      and (i.state = 'active') is true
      and $3 = 'no_show'
),
event as (
    insert into booking_events (
        tenant_id, id, at, booking_request_id, booking_id, property_id, action, actor
    )
    select s.tenant_id, $6, $4, s.booking_request_id, s.id, s.property_id, $3, $5
    from stepped s
)
select {booking_names}
from stepped
