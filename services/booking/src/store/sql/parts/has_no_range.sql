not exists (
        select
        from inventory_ranges i
        where i.tenant_id = :tenant
          and i.source_id = b.id
          and i.property_id = b.property_id
          and i.start_date < b.check_out
          and i.end_date > b.check_in
          and i.kind::text = {range.booking}
          and {active}
    )
