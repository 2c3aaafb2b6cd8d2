not exists (
    select
    from inventory_ranges i
    where i.tenant_id = :tenant
      and i.source_id = :id
      and i.property_id = r.property_id
      and i.start_date < r.check_out
      and i.end_date > r.check_in
      and i.kind::text = {range.booking}
      and {active}
)
