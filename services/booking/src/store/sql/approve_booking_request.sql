-- Everything or, when the dates are taken, nothing and no row.
with booked as (
    insert into bookings (
        tenant_id, id, booking_request_id, property_id, guest_id, check_in, check_out,
        status, confirmed_at, approved_by, created_at, updated_at
    )
    select
        tenant_id, $3, id, property_id, guest_id, check_in, check_out,
        'confirmed', $4, $5, $4, $4
    from booking_requests
    where tenant_id = $1
      and id = $2
    on conflict on constraint no_double_bookings do nothing
    returning tenant_id, id, booking_request_id, property_id, check_in, check_out
),
held as (
    insert into inventory_ranges (
        tenant_id, id, property_id, kind, source_id, start_date, end_date, state, created_at
    )
    select tenant_id, $6, property_id, 'booking', id, check_in, check_out, 'active', $4
    from booked
),
confirmed as (
    update booking_requests r
    set
        status = 'confirmed',
        confirmed_at = $4,
        approved_booking_id = booked.id,
        decided_by = $5,
        internal_note = case
            when $7::text = '' then r.internal_note
            when r.internal_note = '' then $7
            else r.internal_note || e'\n' || $7
        end,
        row_version = r.row_version + 1,
        updated_at = $4
    from booked
    where r.tenant_id = $1
      and r.id = $2
)
insert into booking_events (tenant_id, id, at, booking_request_id, booking_id, action, actor)
select tenant_id, $8, $4, booking_request_id, id, 'approved', $5
from booked
returning booking_id
