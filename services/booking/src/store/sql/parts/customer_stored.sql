-- The event of a customer that is `stored`, and the row as it is now.
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
