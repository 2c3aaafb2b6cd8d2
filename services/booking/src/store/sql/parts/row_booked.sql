booked as (
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
