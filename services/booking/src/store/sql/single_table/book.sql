-- The request's own row becomes the booking. The constraint refuses the update
-- when the dates are taken.
with booked as (
    update bookings r
    set
        status = 'confirmed',
        confirmed_at = case when $8 = 'confirmed_at_set' then r.confirmed_at else $4 end,
        approved_by = $5,
        approved_booking_id = null,
        internal_notes = {noted $7},
        row_version = r.row_version + 1,
        updated_at = $4
    where r.tenant_id = $1
      and r.id = $2
      and {open}
    returning r.tenant_id, r.id, r.property_id, r.check_in, r.check_out
),
moved as (
    update inventory_ranges i
    set start_date = booked.check_in, end_date = booked.check_out
    from booked
    where i.tenant_id = $1
      and i.source_id = booked.id
      and i.kind = 'booking'
      and (i.state = 'active') is true
      and (i.start_date, i.end_date) is distinct from (booked.check_in, booked.check_out)
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
          and i.kind = 'booking'
          and (i.state = 'active') is true
    )
)
insert into booking_events (
    tenant_id, id, at, booking_request_id, booking_id, property_id, action, actor, evidence
)
select
    tenant_id, $6, $4, id, id, property_id,
    case when $8::text = '' then 'approved' else 'healed' end, $5, $8
from booked
returning booking_id
