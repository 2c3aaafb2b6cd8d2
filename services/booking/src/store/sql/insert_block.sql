-- No row when a booking, a hold or another block has one of the nights.
insert into inventory_ranges (
    tenant_id, id, property_id, kind, start_date, end_date, state, note, created_at
)
select p.tenant_id, $3, p.id, 'block', $4, $5, 'active', $6, $7
from properties p
where p.tenant_id = $1
  and p.id = $2
  and not exists (
      select
      from bookings b
      where b.tenant_id = $1
        and b.property_id = $2
        and daterange(b.check_in, b.check_out) && daterange($4, $5)
        and {blocking}
  )
on conflict on constraint inventory_ranges_no_overlap do nothing
returning id, property_id, start_date, end_date, note, state
