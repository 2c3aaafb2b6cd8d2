-- Under the hold policy a booking with status `requested` takes the dates; when
-- they are taken already, nothing is stored and no row comes back.
with property as (
    select
        p.tenant_id, p.id, p.hold_policy = 'hold' as holds,
        $9::timestamptz + make_interval(hours => p.hold_hours) as until
    from properties p
    where p.tenant_id = $1
      and p.id = $3
),
held as (
    insert into bookings (
        tenant_id, id, booking_request_id, property_id, guest_id, check_in, check_out, status,
        created_at, updated_at
    )
    select p.tenant_id, $12, $2, p.id, $4, $5, $6, 'requested', $9, $9
    from property p
    where p.holds
    on conflict on constraint no_double_bookings do nothing
    returning tenant_id, id, property_id, check_in, check_out
),
ranged as (
    insert into inventory_ranges (
        tenant_id, id, property_id, kind, source_id, start_date, end_date, state, created_at
    )
    select tenant_id, $13, property_id, 'booking', id, check_in, check_out, 'active', $9
    from held
),
stored as (
    insert into booking_requests as r (
        tenant_id, id, property_id, guest_id, check_in, check_out, status, guest_count, message,
        held_booking_id, hold_expires_at, created_at, updated_at
    )
    select
        p.tenant_id, $2, p.id, $4, $5, $6, 'requested', $7, $8,
        held.id, case when p.holds then p.until end, $9, $9
    from property p
    left join held on true
    where not p.holds or held.id is not null
    returning r.tenant_id, {columns}
),
event as (
    insert into booking_events (tenant_id, id, at, booking_request_id, property_id, action, actor)
    select tenant_id, $10, $9, id, property_id, 'created', $11
    from stored
)
select {names}
from stored r
