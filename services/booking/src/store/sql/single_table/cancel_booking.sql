-- Cancels a row and frees its dates; open rows that it merely fulfilled wait for a
-- decision again.
with cancelled as (
    update bookings r
    set
        status = 'cancelled',
        internal_notes = {noted $5},
        row_version = r.row_version + 1,
        updated_at = greatest($3::timestamptz, r.updated_at + interval '1 microsecond')
    where r.tenant_id = $1
      and r.id = $2
    returning r.tenant_id, r.id, r.property_id, r.updated_at
),
freed_ranges as (
    update inventory_ranges i
    set state = 'cancelled'
    where i.tenant_id = $1
      and i.source_id = $2
      and i.kind = 'booking'
      and (i.state = 'active') is true
),
lost as (
    update bookings r
    set
        confirmed_at = null,
        approved_booking_id = null,
        row_version = r.row_version + 1,
        updated_at = greatest($3::timestamptz, r.updated_at + interval '1 microsecond')
    where r.tenant_id = $1
      and r.approved_booking_id = $2
      and {open}
    returning r.tenant_id, r.id, r.property_id, r.updated_at
)
insert into booking_events (
    tenant_id, id, at, booking_request_id, booking_id, property_id, action, actor
)
select tenant_id, gen_random_uuid(), updated_at, id, $2, property_id, 'fulfilment_lost', $4::uuid from lost
union all
select tenant_id, gen_random_uuid(), updated_at, id, id, property_id, 'cancelled', $4::uuid from cancelled
union all
select tenant_id, gen_random_uuid(), updated_at, null, id, property_id, 'booking_cancelled', $4::uuid from cancelled
returning id
