not exists (
        select
        from inventory_ranges i
        where i.tenant_id = :tenant
          and i.source_id = b.id
          and i.kind = {range.booking}
          and {active}
    )
