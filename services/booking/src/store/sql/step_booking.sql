-- Check-in, check-out or no-show; a no-show frees the dates.
with stepped as (
    update bookings b
    set status = :status, row_version = coalesce(b.row_version, 0) + 1, updated_at = :at
    where b.tenant_id = :tenant
      and b.id = :id
    returning {booking_columns}, b.tenant_id
),
freed_ranges as (
    {free_ranges}
      and i.source_id = :id
      and :status = {status.no_show}
    returning i.id
),
settled as (
    select (select count(*) from stepped) + (select count(*) from freed_ranges) as writes
),
event as (
    {insert_event}
    select s.tenant_id, :event, :at, s.booking_request_id, s.id, s.property_id, :kind, '', {by}
    from stepped s, settled
)
select {booking_names}
from stepped
