update inventory_ranges
set state = 'cancelled'
where tenant_id = $1
  and property_id = $2
  and id = $3
  and kind = 'block'
returning id, property_id, start_date, end_date, note, state
