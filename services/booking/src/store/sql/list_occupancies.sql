-- Bookings by the constraint's own condition, blocks, and what is asked for.
select
    case when b.status in ('confirmed', 'checked_in', 'checked_out') then 'booking' else 'hold' end as kind,
    b.id,
    b.check_in as start_date,
    b.check_out as end_date
from bookings b
where b.tenant_id = $1
  and b.property_id = $2
  and daterange(b.check_in, b.check_out) && daterange($3, $4)
  and {blocking}
union all
select case when i.kind = 'block' then 'block' else 'booking' end, coalesce(i.source_id, i.id), i.start_date, i.end_date
from inventory_ranges i
where i.tenant_id = $1
  and i.property_id = $2
  and daterange(i.start_date, i.end_date) && daterange($3, $4)
  and i.state = 'active'
  and (
      i.source_id is null
      or i.source_id not in (
          select b.id
          from bookings b
          where b.tenant_id = $1
            and b.property_id = $2
            and daterange(b.check_in, b.check_out) && daterange($3, $4)
            and {blocking}
      )
  )
union all
select 'request', r.id, r.check_in, r.check_out
from {requests} r
where r.tenant_id = $1
  and r.property_id = $2
  and daterange(r.check_in, r.check_out) && daterange($3, $4)
  and {open}
  and r.confirmed_at is null
  and r.approved_booking_id is null
  and {not_holding}
  and {live}
order by start_date, id
