-- The request's own row becomes the booking. The constraint refuses the update
-- when the dates are taken.
with booked as (
    update bookings r
    set
        status = {status.confirmed},
        confirmed_at = case when :evidence = {evidence.confirmed_at_set} then r.confirmed_at else :at end,
        approved_booking_id = null,
        {decided}
    where r.tenant_id = :tenant
      and r.id = :id
      and {open}
    returning r.tenant_id, r.id, r.property_id, r.check_in, r.check_out
),
ranged as (
    {insert_range}
    from booked b
    where {has_no_range}
    returning id
),
settled as (
    select
        (select count(*) from booked) + (select count(*) from ranged) as writes
)
insert into booking_events (overridden_rules, {nights}, {event_written})
select :overridden, check_in, check_out, check_in, check_out, tenant_id, :event, :at, id, id, property_id, :kind, :evidence, {by}
from booked, settled
returning booking_id
