-- Declines a request that is not fulfilled, or cancels one that another row
-- fulfils, and frees the dates that a range may hold for it.
with freed_ranges as (
    update inventory_ranges i
    set state = 'cancelled'
    where i.tenant_id = $1
      and i.source_id = $2
      and i.kind = 'booking'
      and (i.state = 'active') is true
),
closed as (
    update bookings r
    set
        status = $3,
        decline_reason = coalesce($4, r.decline_reason),
        confirmed_at = null,
        approved_booking_id = null,
        approved_by = $7,
        internal_notes = {noted $6},
        row_version = r.row_version + 1,
        updated_at = $5
    where r.tenant_id = $1
      and r.id = $2
      and {open}
    returning r.tenant_id, r.id, r.property_id
)
insert into booking_events (tenant_id, id, at, booking_request_id, property_id, action, actor)
select tenant_id, $8, $5, id, property_id, $3, $7
from closed
returning id
