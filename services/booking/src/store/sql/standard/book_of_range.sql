-- The booking of a request of which a range says that it was approved before: its own one
-- takes the range's place. Or, when the dates are taken, nothing and no row. The booking
-- comes first, as in every statement that stores one: whoever ended the range before would
-- wait for a booking, whose statement waits for the nights of that range.
with booked as (
    insert into bookings (
        tenant_id, id, booking_request_id, property_id, guest_id, check_in, check_out,
        status, confirmed_at, approved_by, created_at, updated_at
    )
    select
        r.tenant_id, :booking, r.id, r.property_id, r.guest_id, r.check_in, r.check_out, {status.confirmed},
        case when :evidence = {evidence.confirmed_at_set} then r.confirmed_at else :at end,
        {acting_user}, :at, :at
    from booking_requests r
    where r.tenant_id = :tenant
      and r.id = :id
    on conflict on constraint {constraint.no_double_bookings} do nothing
    returning tenant_id, id, booking_request_id, property_id, check_in, check_out, confirmed_at
),
-- Those that have nights of it. Those elsewhere are left to who looks through the
-- inconsistencies.
freed_ranges as (
    {free_ranges}
      and i.source_id = :id
      and exists (
          select
          from booked
          where booked.property_id = i.property_id
            and booked.check_in < i.end_date
            and booked.check_out > i.start_date
      )
    returning i.id
),
ranged as (
    {insert_range}
    from booked b
    -- After the request's ranges have ended, whose nights it needs.
    where (select count(*) from freed_ranges) >= 0
    returning id
),
{confirmed}
settled as (
    select
        (select count(*) from booked) + (select count(*) from freed_ranges)
        + (select count(*) from ranged) + (select count(*) from confirmed) as writes
)
{booking_told}
