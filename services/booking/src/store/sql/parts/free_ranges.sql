update inventory_ranges i
    set state = {range.cancelled}
    where i.tenant_id = :tenant
      and i.kind::text = {range.booking}
      and {active}
