-- Of all tenants, as the sweeper's role.
select tenant_id, id
from booking_requests
where held_booking_id is not null
  and hold_expires_at <= :at
order by hold_expires_at
limit 100
