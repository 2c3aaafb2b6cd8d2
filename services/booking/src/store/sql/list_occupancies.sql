-- What the constraint counts, blocks, and what is asked for.
select
    case
        when b.deleted_at is not null then 'deleted'
        when b.status in ({sold}) then 'booking'
        when b.status in ({freed}) then 'freed'
        else 'hold'
    end as kind,
    b.id,
    b.check_in as start_date,
    b.check_out as end_date
from bookings b
where b.tenant_id = :tenant
  and b.property_id = :property
  and {bookings_overlap}
  and {blocking}
union all
select
    case
        when i.kind = {range.block} then 'block'
        when source.id is null then 'inventory'
        else 'booking'
    end,
    coalesce(source.id, i.id),
    i.start_date,
    i.end_date
from inventory_ranges i
left join bookings source on source.tenant_id = i.tenant_id and source.id = i.source_id and source.deleted_at is null
where i.tenant_id = :tenant
  and i.property_id = :property
  and {ranges_overlap}
  and {active}
  and (
      i.source_id is null
      or i.source_id not in (
          select b.id
          from bookings b
          where b.tenant_id = :tenant
            and b.property_id = :property
            and {bookings_overlap}
            and {blocking}
      )
  )
union all
select 'request', r.id, r.check_in, r.check_out
from {requests} r
where r.tenant_id = :tenant
  and r.property_id = :property
  and {requests_overlap}
  and {open}
  and r.confirmed_at is null
  and r.approved_booking_id is null
  and {not_holding}
  and {live}
order by start_date, id
