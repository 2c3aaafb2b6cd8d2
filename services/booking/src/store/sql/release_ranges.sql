-- Ranges that name the request itself; the booking gets one of its own.
update inventory_ranges
set state = 'cancelled'
where tenant_id = $1
  and source_id = $2
  and kind = 'booking'
  and (state = 'active') is true
