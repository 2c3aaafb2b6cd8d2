update bookings r
set
    confirmed_at = case when {nameable.confirmed_at} then r.confirmed_at end,
    row_version = {next_version.r},
    created_at = case when {nameable.created_at} then r.created_at else :at end,
    updated_at = :at
where r.tenant_id = :tenant
  and r.id = :id
