-- Puts it into the archive, or takes it out.
with stored as (
    update customers c
    set archived_at = :archived_at, updated_at = :at
    where c.tenant_id = :tenant
      and c.id = :id
    returning c.tenant_id, {customer_columns}
),
settled as (
    select count(*) as writes
    from stored
),
event as (
    insert into booking_events (customer_id, {event_written})
    select id, tenant_id, :event, :at, null, null, null, :kind, '', {by}
    from stored, settled
)
select {customer_columns}
from stored c
