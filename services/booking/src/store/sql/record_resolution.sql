-- Who chose what for which row. What was known of the row is known no longer.
with known as (
    delete from inconsistencies f
    where f.tenant_id = :tenant
      and f.row_id = :row
    returning f.row_id
),
settled as (
    select count(*) as writes
    from known
)
insert into booking_events (customer_id, {event_written})
select
    (select c.id from customers c where c.tenant_id = :tenant and c.id = :row),
    :tenant, gen_random_uuid(), :at, :request, :booking,
    coalesce(
        (select r.property_id from {requests} r where r.tenant_id = :tenant and r.id = :row),
        (select b.property_id from bookings b where b.tenant_id = :tenant and b.id = :row),
        (select i.property_id from inventory_ranges i where i.tenant_id = :tenant and i.id = :row),
        (select p.id from properties p where p.tenant_id = :tenant and p.id = :row)
    ),
    {event.inconsistency_resolved}, :choice, {by}
from settled
