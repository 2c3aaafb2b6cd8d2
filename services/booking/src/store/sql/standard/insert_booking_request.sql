-- Under the hold policy a booking with status `requested` takes the dates; when
-- they are taken already, nothing is stored and no row comes back; likewise for a
-- guest who is not there, or archived. A policy that is not known holds nothing, and hours
-- that are none are those of a property for which nobody says how many. A session that
-- archives or merges a customer waits for those that store something of it, and they wait
-- for that one.
with property as (
    select
        p.tenant_id, p.id, (p.hold_policy::text = {hold_policy.hold}) is true as holds,
        :at + make_interval(
            hours => (
                case
                    when p.hold_hours >= 1 then least(p.hold_hours, {most_hold_hours})
                    else {hold_hours}
                end
            )::integer
        ) as until
    from properties p
    where p.tenant_id = :tenant
      and p.id = :property
),
{guest},
held as (
    insert into bookings (
        tenant_id, id, booking_request_id, property_id, guest_id, check_in, check_out, status,
        created_at, updated_at
    )
    select
        p.tenant_id, :hold, :id, p.id, :guest, :check_in, :check_out, {status.requested},
        :at, :at
    from property p
    where p.holds
      and exists (select from guest)
    on conflict on constraint {constraint.no_double_bookings} do nothing
    returning tenant_id, id, property_id, check_in, check_out
),
ranged as (
    {insert_range}
    from held b
    returning id
),
stored as (
    insert into booking_requests as r (
        tenant_id, id, property_id, guest_id, check_in, check_out, status, {sent_columns},
        held_booking_id, hold_expires_at, created_at, updated_at
    )
    select
        p.tenant_id, :id, p.id, :guest, :check_in, :check_out, {status.requested}, {sent_values},
        held.id, case when p.holds then p.until end, :at, :at
    from property p
    left join held on true
    where (not p.holds or held.id is not null)
      and exists (select from guest)
    returning r.tenant_id, {request_columns}
),
settled as (
    select
        (select count(*) from held) + (select count(*) from ranged)
        + (select count(*) from stored) as writes
),
event as (
    {insert_event}
    select tenant_id, :event, :at, id, null, property_id, {event.created}, '', {by}
    from stored, settled
)
select {request_names}
from stored r
