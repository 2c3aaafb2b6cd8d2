-- Check-in, check-out or no-show; a no-show frees the dates.
with stepped as (
    update bookings b
    set status = :status, row_version = b.row_version + 1, updated_at = :at
    where b.tenant_id = :tenant
      and b.id = :id
    returning {booking_columns}, b.tenant_id
),
freed_ranges as (
    {free_ranges}
      and i.source_id = :id
      and :status = {status.no_show}
),
event as (
    {insert_event}
    select s.tenant_id, :event, :at, s.booking_request_id, s.id, s.property_id, :kind, :actor, ''
    from stepped s
)
select {booking_names}
from stepped
