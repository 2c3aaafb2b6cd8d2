-- Everything or, when the dates are taken or a range says that the request was
-- approved before, nothing and no row.
with booked as (
    insert into bookings (
        tenant_id, id, booking_request_id, property_id, guest_id, check_in, check_out,
        status, confirmed_at, approved_by, created_at, updated_at
    )
    select
        r.tenant_id, $3, r.id, r.property_id, r.guest_id, r.check_in, r.check_out, 'confirmed',
        case when $9 = 'confirmed_at_set' then r.confirmed_at else $4 end, $5, $4, $4
    from booking_requests r
    where r.tenant_id = $1
      and r.id = $2
      and not exists (
          select
          from inventory_ranges i
          where i.tenant_id = $1
            and i.source_id = $2
            and i.kind = 'booking'
            and (i.state = 'active') is true
      )
    on conflict on constraint no_double_bookings do nothing
    returning tenant_id, id, booking_request_id, property_id, check_in, check_out, confirmed_at
),
ranged as (
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
        confirmed_at = booked.confirmed_at,
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
    tenant_id, $8, $4, booking_request_id, id, property_id,
    case when $9::text = '' then 'approved' else 'healed' end, $5, $9
from booked
returning booking_id
