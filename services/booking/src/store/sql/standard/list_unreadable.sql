-- Requests, bookings and active ranges that hold what cannot be shown, and in which
-- columns.
select r.id, 'request' as subject, {unreadable.requests} as columns, {shown_version.r} as row_version
from {requests} r
where r.tenant_id = :tenant
  and r.id = any (:rows)
  and {live}
  and {unreadable.requests} <> array[]::text[]
union all
select b.id, 'booking', {unreadable.bookings}, {shown_version.b}
from bookings b
where b.tenant_id = :tenant
  and b.id = any (:rows)
  and b.deleted_at is null
  and {unreadable.bookings} <> array[]::text[]
union all
select i.id, 'range', {unreadable.ranges}, 1
from inventory_ranges i
where i.tenant_id = :tenant
  and i.id = any (:rows)
  and {active}
  and {unreadable.ranges} <> array[]::text[]
