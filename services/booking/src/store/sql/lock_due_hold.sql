-- A request that somebody else has locked is left to them, and so is one that they have
-- decided by now.
select r.id
from booking_requests r
where r.tenant_id = :tenant
  and r.id = :id
  and r.held_booking_id is not null
  and r.hold_expires_at <= :at
for update skip locked
