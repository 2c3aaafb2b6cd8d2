-- Of one property or guest, whose bookings are few.
select {booking_columns}
from bookings b
where b.tenant_id = :tenant
  and (b.check_in, b.id) > (:after_check_in, :after_id)
  and b.deleted_at is null
  and (b.status = any (:statuses) or :unknown and {is_unknown_booking}) -- if :statuses
  and b.property_id = :property -- if :property
  and b.guest_id = :guest -- if :guest
  and b.check_out > :stay_from -- if :stay_from
  and b.check_in < :stay_to -- if :stay_to
order by b.check_in, b.id
limit :most
