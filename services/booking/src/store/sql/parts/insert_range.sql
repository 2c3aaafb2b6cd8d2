insert into inventory_ranges (
        tenant_id, id, property_id, kind, source_id, start_date, end_date, state, created_at
    )
    select b.tenant_id, :range, b.property_id, {range.booking}, b.id, b.check_in, b.check_out, {range.active}, :at
