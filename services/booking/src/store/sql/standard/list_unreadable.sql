-- Requests and bookings that hold what cannot be shown, and in which columns.
select r.id, true as is_request, {unreadable.requests} as columns, coalesce(r.row_version, 1)::bigint as row_version
from {requests} r
where r.tenant_id = :tenant
  and r.id = any (:rows)
  and {live}
  and {unreadable.requests} <> array[]::text[]
union all
select b.id, false, {unreadable.bookings}, coalesce(b.row_version, 1)::bigint
from bookings b
where b.tenant_id = :tenant
  and b.id = any (:rows)
  and b.deleted_at is null
  and {unreadable.bookings} <> array[]::text[]
