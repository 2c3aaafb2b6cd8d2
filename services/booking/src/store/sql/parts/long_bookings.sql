long as materialized ( -- if :stay_from
    select {booking_columns} -- if :stay_from
    from bookings b -- if :stay_from
    where b.tenant_id = :tenant -- if :stay_from
      and {long_booking} -- if :stay_from
      and b.deleted_at is null -- if :stay_from
) -- if :stay_from
