not exists (
        select
        from (
            {earliest_range_of_booking}
        ) as earliest
        join inventory_ranges i
            on i.tenant_id = :tenant
            and i.property_id = b.property_id
            and i.start_date < b.check_out
            and i.end_date > b.check_in
            and i.start_date >= earliest.first_day
            and {active}
            and (i.kind::text = {range.booking} and i.source_id = b.id) is not true
    )
