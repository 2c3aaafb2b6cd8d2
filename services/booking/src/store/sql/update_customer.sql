with stored as (
    update customers c
    set
        name = :name,
        email = :email,
        phone = :phone,
        external_id = :external_id,
        source = :source,
        notes = :notes,
        updated_at = :at
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
    select id, tenant_id, :event, :at, null, null, null, {event.customer_updated}, '', {by}
    from stored, settled
)
select {customer_columns}
from stored c
