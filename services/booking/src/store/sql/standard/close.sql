-- Declines, cancels or expires a request that no booking was made for, and frees
-- the dates that it held.
with freed as (
    update bookings b
    set status = :hold_status, row_version = {next_version.b}, updated_at = :at
    {hold_of_request}
    returning b.id
),
freed_ranges as (
    {free_ranges}
      and i.source_id in (select id from freed union all select :id)
    returning i.id
),
closed as (
    update booking_requests r
    set
        status = :status,
        decline_reason = coalesce(:reason, r.decline_reason),
        decline_reason_code = coalesce(:code, r.decline_reason_code),
        decline_message = coalesce(:guest_message, r.decline_message),
        confirmed_at = case when r.status = {status.confirmed} then r.confirmed_at end,
        approved_booking_id = null,
        held_booking_id = null,
        hold_expires_at = null,
        {decided}
    where r.tenant_id = :tenant
      and r.id = :id
    returning r.tenant_id, r.id, r.property_id
),
settled as (
    select
        (select count(*) from freed) + (select count(*) from freed_ranges)
        + (select count(*) from closed) as writes
)
{insert_event}
select tenant_id, :event, :at, id, null, property_id, :kind, '', {by}
from closed, settled
returning id
