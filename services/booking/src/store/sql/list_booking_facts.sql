-- Bookings as far as their inventory ranges are concerned. Those that cannot be shown
-- are left out.
select
    b.id,
    b.status,
    exists (
        select
        from inventory_ranges i
        where i.tenant_id = :tenant
          and i.source_id = b.id
          and {active}
    ) as has_range,
    not exists (
        select
        from (
            {earliest_range_of_booking}
        ) as earliest
        join inventory_ranges i
            on i.tenant_id = :tenant
            and i.property_id = b.property_id
            and i.start_date < b.check_out
            and i.end_date > b.check_in
            and i.start_date > earliest.after
            and {active}
    ) as range_free,
    b.row_version
from bookings b
where b.tenant_id = :tenant
  and b.id = any (:rows)
  and b.deleted_at is null
  and {unreadable.bookings} = array[]::text[]
