-- All of the duplicate's requests and bookings are locked.
with moved_requests as (
    update booking_requests r
    set
        guest_id = :kept,
        row_version = {next_version.r},
        updated_at = {later.r}
    where r.tenant_id = :tenant
      and r.guest_id = :duplicate
    returning r.tenant_id, r.id, r.property_id, r.updated_at
),
moved_bookings as (
    update bookings b
    set
        guest_id = :kept,
        row_version = {next_version.b},
        updated_at = {later.b}
    where b.tenant_id = :tenant
      and b.guest_id = :duplicate
    returning b.tenant_id, b.id, b.booking_request_id, b.property_id, b.updated_at
),
{duplicate_merged},
settled as (
    select
        (select count(*) from moved_requests) + (select count(*) from moved_bookings)
        + (select count(*) from merged) as writes
),
happened as (
    select m.tenant_id, :event as id, :at as at, null::uuid as request, null::uuid as booking, null::uuid as property
    from merged m
    union all
    select m.tenant_id, gen_random_uuid(), m.updated_at, m.id, null, m.property_id
    from moved_requests m
    union all
    select m.tenant_id, gen_random_uuid(), m.updated_at, m.booking_request_id, m.id, m.property_id
    from moved_bookings m
),
event as (
    insert into booking_events (customer_id, {event_written})
    select :kept, tenant_id, id, at, request, booking, property, {event.customer_merged}, '', {by}
    from happened, settled
)
select
    (select count(*) from moved_requests) as moved_requests,
    (select count(*) from moved_bookings) as moved_bookings,
    {customer_columns}
from merged c
