-- The constraint refuses the row when it covers requests and the dates are taken.
-- No row comes back for a guest who is not there, or archived.
with {guest},
stored as (
    insert into bookings as r (
        tenant_id, id, property_id, guest_id, check_in, check_out, status, {sent_columns},
        created_at, updated_at
    )
    select
        p.tenant_id, :id, p.id, :guest, :check_in, :check_out, {status.requested}, {sent_values},
        :at, :at
    from properties p
    where p.tenant_id = :tenant
      and p.id = :property
      and exists (select from guest)
    returning r.tenant_id, {request_columns}
),
settled as (
    select count(*) as writes
    from stored
),
event as (
    {insert_event}
    select tenant_id, :event, :at, id, null, property_id, {event.created}, '', {by}
    from stored, settled
)
select {request_names}
from stored r
