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
