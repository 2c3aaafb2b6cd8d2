-- Of requests of a tenant whose holds have run out, those that are to be ended. A confirmed
-- request keeps its dates, also one that is open and reads as confirmed, and whose they are
-- nobody knows where the status is not known. Many at once, or each of those would cost a
-- transaction again and again.
select r.id
from booking_requests r
where r.tenant_id = :tenant
  and r.id = any (:ids)
  and not {is_unknown}
  and r.status not in ({once_sold})
  and not ({open} and (r.confirmed_at is not null or r.approved_booking_id is not null))
