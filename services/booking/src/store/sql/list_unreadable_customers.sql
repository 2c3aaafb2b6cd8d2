-- Customers that hold what cannot be shown, and in which columns. They have no version: it is
-- whoever wrote the row last.
select c.id, {unreadable.customers} as columns, c.xmin::text::bigint as row_version
from customers c
where c.tenant_id = :tenant
  and c.id = any (:rows)
  and {unreadable.customers} <> array[]::text[]
