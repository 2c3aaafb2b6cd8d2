-- The hold becomes the booking; no row when it no longer stands or is for another
-- stay, or a range says that the request was approved before.
with booked as (
    update bookings b
    set
        status = {status.confirmed},
        confirmed_at = :at,
        approved_by = {acting_user},
        row_version = {next_version.b},
        updated_at = :at
    {hold_of_request}
      and b.property_id = r.property_id
      and (b.check_in, b.check_out) = (r.check_in, r.check_out)
      and {request_has_no_range}
    returning b.tenant_id, b.id, b.booking_request_id, b.property_id, b.check_in, b.check_out, b.confirmed_at
),
ranged as (
    {insert_range}
    from booked b
    where {has_no_range}
    returning id
),
{confirmed}
{booking_settled}
{booking_told}
