-- No row when the external id is that of another customer.
with stored as (
    insert into customers as c (
        tenant_id, id, name, email, phone, external_id, source, notes, created_at, updated_at
    )
    values (:tenant, :id, :name, :email, :phone, :external_id, :source, :notes, :at, :at)
    on conflict (tenant_id, source, external_id) where external_id is not null do nothing
    returning c.tenant_id, {customer_columns}
),
settled as (
    select count(*) as writes
    from stored
),
event as (
    insert into booking_events (customer_id, {event_written})
    select id, tenant_id, :event, :at, null, null, null, {event.customer_created}, '', {by}
    from stored, settled
)
select {customer_columns}
from stored c
