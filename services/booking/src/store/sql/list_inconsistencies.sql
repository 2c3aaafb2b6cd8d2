select f.kind, f.booking_request_id, f.booking_id, f.id
from (
    select {inconsistency.confirmed_at_set} as kind, r.id as booking_request_id, null::uuid as booking_id, r.id
    from {requests} r
    where r.tenant_id = :tenant
      and {open}
      and {live}
      and r.confirmed_at is not null
      and r.approved_booking_id is null
    union all
    select {inconsistency.approved_booking_confirmed}, r.id, b.id, r.id
    from {requests} r
    join bookings b on b.tenant_id = r.tenant_id and b.id = r.approved_booking_id
    where r.tenant_id = :tenant
      and {open}
      and {live}
      and b.status in ({sold})
      and (b.check_in, b.check_out) = (r.check_in, r.check_out)
      and {hard_link}
    union all
    select distinct {inconsistency.inventory_active}, r.id, null::uuid, r.id
    from {requests} r
    join inventory_ranges i on i.tenant_id = r.tenant_id and i.source_id = r.id
    where r.tenant_id = :tenant
      and {open}
      and {live}
      and r.confirmed_at is null
      and r.approved_booking_id is null
      and i.kind = {range.booking}
      and {active}
    union all
    select {inconsistency.related_booking_confirmed}, r.id, b.id, r.id
    from {requests} r
    join bookings b
        on b.tenant_id = r.tenant_id
        and b.guest_id = r.guest_id
        and b.property_id = r.property_id
        and b.check_in = r.check_in
        and b.check_out = r.check_out
        and b.id <> r.id
    where r.tenant_id = :tenant
      and {open}
      and {live}
      and r.confirmed_at is null
      and r.approved_booking_id is null
      and b.status in ({sold})
      and b.deleted_at is null
    union all
    select {inconsistency.confirmed_without_booking}, r.id, r.approved_booking_id, r.id
    from {requests} r
    where r.tenant_id = :tenant
      and {reads_confirmed}
      and {live}
      and not exists (
          select
          from bookings b
          where b.tenant_id = :tenant
            and b.id = r.approved_booking_id
            and b.status in ({once_sold})
      )
    union all
    select {inconsistency.booking_without_range}, null::uuid, b.id, b.id
    from bookings b
    where b.tenant_id = :tenant
      and b.status in ({status.confirmed}, {status.checked_in})
      and b.deleted_at is null
      and not exists (
          select
          from inventory_ranges i
          where i.tenant_id = :tenant
            and i.source_id = b.id
            and {active}
      )
    union all
    select {inconsistency.range_without_booking}, null::uuid, i.source_id, i.id
    from inventory_ranges i
    where i.tenant_id = :tenant
      and i.kind = {range.booking}
      and {active}
      and not exists (
          select
          from bookings b
          where b.tenant_id = :tenant
            and b.id = i.source_id
            and b.status not in ({freed})
      )
      and not exists (
          select
          from {requests} r
          where r.tenant_id = :tenant
            and r.id = i.source_id
            and {open}
      )
) as f
where (f.kind, f.id) > (:after_kind, :after_id)
order by f.kind, f.id
limit :most
