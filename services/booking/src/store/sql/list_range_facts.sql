-- Inventory ranges. Of those of bookings, whether what each belongs to stands, and whether
-- that is a booking which has not all of its nights, or an open request which has none. Of
-- nights that cannot be shown the booking is shown as unreadable. One that was deleted stands
-- while it keeps its nights: whoever frees them frees its range.
select
    i.id,
    i.source_id,
    {active} as active,
    (i.kind::text = {range.booking}) is not true or b.id is not null or requested.id is not null as stands,
    (i.kind::text = {range.booking}) is true and case
        when requested.id is null then (
            i.property_id = b.property_id and i.start_date >= b.check_in and i.end_date <= b.check_out
        ) is false
        else (
            i.property_id = requested.property_id
            and i.start_date < requested.check_out and i.end_date > requested.check_in
        ) is false
    end as misplaced,
    requested.id is not null as of_request,
    b.id is not null and {range_free} as can_be_fitted
from inventory_ranges i
left join lateral (
    select b.id, b.property_id, b.check_in, b.check_out
    from bookings b
    where b.tenant_id = :tenant
      and b.id = i.source_id
      and (b.status in ({freed})) is not true
      and (b.deleted_at is null or {blocking})
    limit 1
) as b on true
left join lateral (
    select r.id, r.property_id, r.check_in, r.check_out
    from {requests} r
    where r.tenant_id = :tenant
      and r.id = i.source_id
      and {open}
      and {live}
    limit 1
) as requested on true
where i.tenant_id = :tenant
  and i.id = any (:rows)
