confirmed as (
    update booking_requests r
    set
        status = {status.confirmed},
        confirmed_at = booked.confirmed_at,
        approved_booking_id = booked.id,
        held_booking_id = null,
        hold_expires_at = null,
        {decided}
    from booked
    where r.tenant_id = :tenant
      and r.id = :id
    returning r.id
),
{booking_settled}
insert into booking_events (overridden_rules, {nights}, {event_written})
select :overridden, check_in, check_out, check_in, check_out, tenant_id, :event, :at, booking_request_id, id, property_id, :kind, :evidence, {by}
from booked, settled
returning booking_id
