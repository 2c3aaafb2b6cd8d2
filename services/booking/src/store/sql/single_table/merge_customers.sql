-- All of the duplicate's rows are locked. A row is a request and, when it is sold, a
-- booking.
with moved as (
    update bookings b
    set
        guest_id = :kept,
        row_version = {next_version.b},
        updated_at = {later.b}
    where b.tenant_id = :tenant
      and b.guest_id = :duplicate
    returning b.tenant_id, b.id, b.property_id, b.updated_at, b.status in ({sold}) as sold
),
{duplicate_merged},
settled as (
    select (select count(*) from moved) + (select count(*) from merged) as writes
),
happened as (
    select m.tenant_id, :event as id, :at as at, null::uuid as request, null::uuid as booking, null::uuid as property
    from merged m
    union all
    select m.tenant_id, gen_random_uuid(), m.updated_at, m.id, case when m.sold then m.id end, m.property_id
    from moved m
),
event as (
    insert into booking_events (customer_id, {event_written})
    select :kept, tenant_id, id, at, request, booking, property, {event.customer_merged}, '', {by}
    from happened, settled
)
select
    (select count(*) from moved) as moved_requests,
    (select count(*) from moved where moved.sold) as moved_bookings,
    {customer_columns}
from merged c
