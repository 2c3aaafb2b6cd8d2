coalesce(
        (
            select sum(least(i.end_date, b.check_out) - greatest(i.start_date, b.check_in))
            from inventory_ranges i
            where i.tenant_id = :tenant
              and i.source_id = b.id
              and i.property_id = b.property_id
              and i.kind::text = {range.booking}
              and {active}
              and i.start_date < b.check_out
              and i.end_date > b.check_in
        ),
        0
    )
