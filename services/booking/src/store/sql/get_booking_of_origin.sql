-- The booking that another system knows by this id: the one that stands or, if none
-- does, the last one that is over.
select {booking_columns}
from bookings b
where b.tenant_id = :tenant
  and b.source = :source
  and b.external_id = :external_id
  and b.deleted_at is null
order by (b.status in ({freed})) is true, b.created_at desc, b.id desc
limit 1
