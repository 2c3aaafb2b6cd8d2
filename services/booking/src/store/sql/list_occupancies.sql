-- What the constraint counts, blocks, and what is asked for. A range is left out where its
-- booking tells of all its nights.
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
        when i.kind::text = {range.block} then 'block'
        when source.id is null or source.deleted_at is not null then 'inventory'
        else 'booking'
    end,
    case when source.deleted_at is null then coalesce(source.id, i.id) else i.id end,
    i.start_date,
    i.end_date
from inventory_ranges i
left join bookings source on source.tenant_id = i.tenant_id and source.id = i.source_id
where i.tenant_id = :tenant
  and i.property_id = :property
  and {ranges_overlap}
  and {active}
  and (
      i.source_id is null
      or (source.check_in <= i.start_date and source.check_out >= i.end_date) is not true
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
