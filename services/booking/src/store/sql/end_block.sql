update inventory_ranges
set state = 'cancelled'
where tenant_id = :tenant
  and property_id = :property
  and id = :id
  and kind = 'block'
returning {block_columns}
