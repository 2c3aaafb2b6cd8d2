-- Bookings that have no place in the order of a list, since the day of arrival is
-- missing. Nor are they in any window of stays.
select count(*) as counted
from (
    select
    from bookings b
    where b.tenant_id = :tenant
      and b.check_in is null
      and b.deleted_at is null
      and (b.status = any (:statuses) or :unknown and {is_unknown_booking}) -- if :statuses
      and b.property_id = :property -- if :property
      and b.guest_id = :guest -- if :guest
      and b.check_out > :stay_from -- if :stay_from
      and b.check_in < :stay_to -- if :stay_to
    limit :most
) as counted
