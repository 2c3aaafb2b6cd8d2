select f.kind, f.booking_request_id, f.booking_id, f.id
from (
    select 1 as kind, r.id as booking_request_id, null::uuid as booking_id, r.id
    from {requests} r
    where r.tenant_id = $1
      and {open}
      and {live}
      and r.confirmed_at is not null
      and r.approved_booking_id is null
    union all
    select 2, r.id, b.id, r.id
    from {requests} r
    join bookings b on b.tenant_id = r.tenant_id and b.id = r.approved_booking_id
    where r.tenant_id = $1
      and {open}
      and {live}
      and b.status in ('confirmed', 'checked_in', 'checked_out')
      and (b.check_in, b.check_out) = (r.check_in, r.check_out)
      and {hard_link}
    union all
    select distinct 3, r.id, null::uuid, r.id
    from {requests} r
    join inventory_ranges i on i.tenant_id = r.tenant_id and i.source_id = r.id
    where r.tenant_id = $1
      and {open}
      and {live}
      and r.confirmed_at is null
      and r.approved_booking_id is null
      and i.kind = 'booking'
      and i.state = 'active'
    union all
    select 4, r.id, b.id, r.id
    from {requests} r
    join bookings b
        on b.tenant_id = r.tenant_id
        and b.guest_id = r.guest_id
        and b.property_id = r.property_id
        and b.check_in = r.check_in
        and b.check_out = r.check_out
        and b.id <> r.id
    where r.tenant_id = $1
      and {open}
      and {live}
      and r.confirmed_at is null
      and r.approved_booking_id is null
      and b.status in ('confirmed', 'checked_in', 'checked_out')
      and b.deleted_at is null
    union all
    select 5, r.id, r.approved_booking_id, r.id
    from {requests} r
    where r.tenant_id = $1
      and {reads_confirmed}
      and {live}
      and not exists (
          select
          from bookings b
          where b.tenant_id = $1
            and b.id = r.approved_booking_id
            and b.status in ('confirmed', 'checked_in', 'checked_out', 'no_show')
      )
    union all
    select 6, null::uuid, b.id, b.id
    from bookings b
    where b.tenant_id = $1
      and b.status in ('confirmed', 'checked_in')
      and b.deleted_at is null
      and not exists (
          select
          from inventory_ranges i
          where i.tenant_id = $1
            and i.source_id = b.id
            and i.state = 'active'
      )
    union all
    select 7, null::uuid, i.source_id, i.id
    from inventory_ranges i
    where i.tenant_id = $1
      and i.kind = 'booking'
      and i.state = 'active'
      and not exists (
          select
          from bookings b
          where b.tenant_id = $1
            and b.id = i.source_id
            and b.status not in ('cancelled', 'declined', 'no_show')
      )
      and not exists (
          select
          from {requests} r
          where r.tenant_id = $1
            and r.id = i.source_id
            and {open}
      )
) as f
where (f.kind, f.id) > ($2, $3)
order by f.kind, f.id
limit $4
