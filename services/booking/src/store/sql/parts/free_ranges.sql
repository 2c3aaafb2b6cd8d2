update inventory_ranges i
    set state = 'cancelled'
    where i.tenant_id = :tenant
      and i.kind = 'booking'
      and (i.state = 'active') is true
