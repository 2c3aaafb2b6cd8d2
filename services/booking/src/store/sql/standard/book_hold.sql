-- The hold becomes the booking; no row when it no longer stands.
with booked as (
    update bookings b
    set
        status = 'confirmed',
        confirmed_at = $4,
        approved_by = $5,
        row_version = b.row_version + 1,
        updated_at = $4
    from booking_requests r
    where r.tenant_id = $1
      and r.id = $2
      and b.tenant_id = $1
      and b.id = r.held_booking_id
      and (b.status = 'requested') is true
    returning b.tenant_id, b.id, b.booking_request_id, b.property_id, b.check_in, b.check_out
),
ranged as (
    insert into inventory_ranges (
        tenant_id, id, property_id, kind, source_id, start_date, end_date, state, created_at
    )
    select b.tenant_id, $3, b.property_id, 'booking', b.id, b.check_in, b.check_out, 'active', $4
    from booked b
    where not exists (
        select
        from inventory_ranges i
        where i.tenant_id = $1
          and i.source_id = b.id
          and (i.state = 'active') is true
    )
),
confirmed as (
    update booking_requests r
    set
        status = 'confirmed',
        confirmed_at = $4,
        approved_booking_id = booked.id,
        held_booking_id = null,
        hold_expires_at = null,
        decided_by = $5,
        internal_note = {noted $7},
        row_version = r.row_version + 1,
        updated_at = $4
    from booked
    where r.tenant_id = $1
      and r.id = $2
)
insert into booking_events (
    tenant_id, id, at, booking_request_id, booking_id, property_id, action, actor, evidence
)
select
    tenant_id, $6, $4, booking_request_id, id, property_id,
    case when $8::text = '' then 'approved' else 'healed' end, $5, $8
from booked
returning booking_id
