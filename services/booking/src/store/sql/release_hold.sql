-- A request that is closed, or approved for other dates, gives back those that its hold
-- still has. A hold that somebody has given to another guest stays theirs.
with freed as (
    update bookings b
    set status = {status.cancelled}, row_version = {next_version.b}, updated_at = :at
    {hold_of_request}
    returning b.tenant_id, b.id, b.property_id
),
freed_ranges as (
    {free_ranges}
      and i.source_id in (select id from freed)
    returning i.id
),
cleared as (
    update booking_requests r
    set
        held_booking_id = null,
        hold_expires_at = null,
        row_version = {next_version.r},
        updated_at = :at
    where r.tenant_id = :tenant
      and r.id = :id
    returning r.id
),
settled as (
    select
        (select count(*) from freed) + (select count(*) from freed_ranges)
        + (select count(*) from cleared) as writes
),
event as (
    {insert_event}
    select tenant_id, :event, :at, :id, id, property_id, {event.booking_cancelled}, '', {by}
    from freed, settled
)
select id
from cleared
