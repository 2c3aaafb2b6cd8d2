lost as (
    update {requests} r
    set
        confirmed_at = null,
        approved_booking_id = null,
        row_version = {next_version.r},
        updated_at = {later.r}
    from bookings b
    where r.tenant_id = :tenant
      and r.approved_booking_id = :id
      and {open}
      and b.tenant_id = :tenant
      and b.id = :id
      and {same_stay}
