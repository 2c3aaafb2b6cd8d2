-- Of all tenants, as the sweeper's role, after a place. A confirmed request keeps its
-- dates, also one that is open and reads as confirmed, and whose they are nobody knows where
-- the status is not known; every other has held them long enough, the closed ones of other
-- programs too. What keeps its dates is passed here, however much there is of it: to look at
-- each would take the time of those that are due.
select r.tenant_id, r.id, r.hold_expires_at
from booking_requests r
where r.held_booking_id is not null
  and r.hold_expires_at <= :at
  and (r.hold_expires_at, r.id) > (:after_at, :after_id)
  and not {is_unknown}
  and r.status not in ({once_sold})
  and not ({open} and (r.confirmed_at is not null or r.approved_booking_id is not null))
order by r.hold_expires_at, r.id
limit 100
