-- Rows that hold what cannot be shown, and in which columns. Each is a request.
select r.id, true as is_request, {unreadable.requests} as columns, coalesce(r.row_version, 1)::bigint as row_version
from {requests} r
where r.tenant_id = :tenant
  and r.id = any (:rows)
  and {live}
  and {unreadable.requests} <> array[]::text[]
