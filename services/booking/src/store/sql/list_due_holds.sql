-- Of all tenants, as the sweeper's role, after a place. A confirmed request keeps its
-- dates; every other has held them long enough, the closed ones of other programs too.
select tenant_id, id, hold_expires_at
from booking_requests
where held_booking_id is not null
  and hold_expires_at <= :at
  and (hold_expires_at, id) > (:after_at, :after_id)
  and status <> {status.confirmed}
order by hold_expires_at, id
limit 100
