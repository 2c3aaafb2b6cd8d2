-- Declines, cancels or expires a request that no booking was made for, and frees
-- the dates that it held.
with freed as (
    update bookings b
    set status = $5, row_version = b.row_version + 1, updated_at = $6
    from booking_requests r
    where r.tenant_id = $1
      and r.id = $2
      and b.tenant_id = $1
      and b.id = r.held_booking_id
      and (b.status = 'requested') is true
    returning b.id
),
freed_ranges as (
    update inventory_ranges i
    set state = 'cancelled'
    where i.tenant_id = $1
      and i.source_id in (select id from freed union all select $2)
      and i.kind = 'booking'
      and (i.state = 'active') is true
),
closed as (
    update booking_requests r
    set
        status = $3,
        decline_reason = coalesce($4, r.decline_reason),
        confirmed_at = case when r.status = 'confirmed' then r.confirmed_at end,
        approved_booking_id = case when r.status = 'confirmed' then r.approved_booking_id end,
        held_booking_id = null,
        hold_expires_at = null,
        decided_by = $8,
        internal_note = {noted $7},
        row_version = r.row_version + 1,
        updated_at = $6
    where r.tenant_id = $1
      and r.id = $2
    returning r.tenant_id, r.id, r.property_id
)
insert into booking_events (tenant_id, id, at, booking_request_id, property_id, action, actor)
select tenant_id, $9, $6, id, property_id, $3, $8
from closed
returning id
