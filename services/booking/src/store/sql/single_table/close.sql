-- Declines a request that is not fulfilled, or cancels one that another row
-- fulfils, and frees the dates that a range may hold for it.
with freed_ranges as (
    {free_ranges}
      and i.source_id = :id
    returning i.id
),
closed as (
    update bookings r
    set
        status = :status,
        decline_reason = coalesce(:reason, r.decline_reason),
        decline_reason_code = coalesce(:code, r.decline_reason_code),
        decline_message = coalesce(:guest_message, r.decline_message),
        confirmed_at = null,
        approved_booking_id = null,
        {decided}
    where r.tenant_id = :tenant
      and r.id = :id
      and {open}
    returning r.tenant_id, r.id, r.property_id
),
settled as (
    select (select count(*) from freed_ranges) + (select count(*) from closed) as writes
)
{insert_event}
select tenant_id, :event, :at, id, null, property_id, :kind, '', {by}
from closed, settled
returning id
