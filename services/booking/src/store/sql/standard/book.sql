-- Everything or, when the dates are taken or a range says that the request was
-- approved before, nothing and no row.
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
      and {request_has_no_range}
    on conflict on constraint {constraint.no_double_bookings} do nothing
    returning tenant_id, id, booking_request_id, property_id, check_in, check_out, confirmed_at
),
ranged as (
    {insert_range}
    from booked b
    returning id
),
{confirmed}
{booking_settled}
{booking_told}
