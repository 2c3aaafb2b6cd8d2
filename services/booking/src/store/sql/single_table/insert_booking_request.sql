-- The constraint refuses the row when it covers requests and the dates are taken.
with stored as (
    insert into bookings as r (
        tenant_id, id, property_id, guest_id, check_in, check_out, status, guest_count, message,
        created_at, updated_at
    )
    select p.tenant_id, $2, p.id, $4, $5, $6, 'requested', $7, $8, $9, $9
    from properties p
    where p.tenant_id = $1
      and p.id = $3
    returning r.tenant_id, {columns}
),
event as (
    insert into booking_events (tenant_id, id, at, booking_request_id, property_id, action, actor)
    select tenant_id, $10, $9, id, property_id, 'created', $11
    from stored
)
select {names}
from stored r
