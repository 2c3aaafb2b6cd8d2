-- Bookings as far as their inventory ranges are concerned. Those whose nights or status
-- cannot be shown are left out.
select
    b.id,
    b.status,
    {covered_nights} >= b.check_out - b.check_in as has_range,
    {range_free} as range_free,
    b.row_version
from bookings b
where b.tenant_id = :tenant
  and b.id = any (:rows)
  and b.deleted_at is null
  and {unjudged.bookings} = array[]::text[]
