-- Cancels a booking and frees its dates. Requests that are confirmed by it are
-- cancelled with it; open ones that it merely fulfilled wait for a decision again.
-- The note goes to the request that was asked to be cancelled, $6.
with cancelled as (
    update bookings b
    set
        status = 'cancelled',
        row_version = b.row_version + 1,
        updated_at = greatest($3::timestamptz, b.updated_at + interval '1 microsecond')
    where b.tenant_id = $1
      and b.id = $2
    returning b.tenant_id, b.id, b.property_id, b.updated_at
),
freed_ranges as (
    update inventory_ranges i
    set state = 'cancelled'
    where i.tenant_id = $1
      and i.source_id in ($2, $6)
      and i.kind = 'booking'
      and (i.state = 'active') is true
),
closed as (
    update booking_requests r
    set
        status = 'cancelled',
        decided_by = $4,
        internal_note = case when r.id is distinct from $6 then r.internal_note else {noted $5} end,
        row_version = r.row_version + 1,
        updated_at = greatest($3::timestamptz, r.updated_at + interval '1 microsecond')
    where r.tenant_id = $1
      and (r.id = $6 or r.approved_booking_id = $2 and r.status = 'confirmed')
    returning r.tenant_id, r.id, r.property_id, r.updated_at
),
lost as (
    update booking_requests r
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
select tenant_id, gen_random_uuid(), updated_at, id, $2, property_id, 'cancelled', $4 from closed
union all
select tenant_id, gen_random_uuid(), updated_at, id, $2, property_id, 'fulfilment_lost', $4 from lost
union all
select tenant_id, gen_random_uuid(), updated_at, null, id, property_id, 'booking_cancelled', $4 from cancelled
returning id
