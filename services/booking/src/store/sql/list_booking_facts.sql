-- Bookings as far as their nights are concerned. Those whose nights or status cannot be
-- shown are left out, unless they were deleted: then neither is asked for.
select
    b.id,
    b.status,
    b.deleted_at is not null as deleted,
    {blocking} as in_the_way,
    {freed_in_the_way} as freed_in_the_way,
    case when b.deleted_at is null then {covered_nights} >= b.check_out - b.check_in else false end as has_range,
    case when b.deleted_at is null then {range_free} else false end as range_free,
    b.row_version
from bookings b
where b.tenant_id = :tenant
  and b.id = any (:rows)
  and (b.deleted_at is not null or {unjudged.bookings} = array[]::text[])
