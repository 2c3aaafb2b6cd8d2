update bookings r
set
    confirmed_at = case when {nameable.confirmed_at} then r.confirmed_at end,
    row_version = case when r.row_version between 1 and 9223372036854775806 then r.row_version + 1 else 1 end,
    created_at = case when {nameable.created_at} then r.created_at else :at end,
    updated_at = :at
where r.tenant_id = :tenant
  and r.id = :id
