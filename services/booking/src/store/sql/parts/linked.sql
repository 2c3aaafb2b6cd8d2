left join lateral (
    select
        b.id as linked_id, b.guest_id as linked_guest_id, b.property_id as linked_property_id,
        b.status as linked_status, b.check_in as linked_check_in, b.check_out as linked_check_out
    from bookings b
    where b.tenant_id = :tenant
      and b.id = {linked_id}
      and b.deleted_at is null
    -- One look-up for each row, which no plan turns into a join of the whole table.
    limit 1
) as linked on true
