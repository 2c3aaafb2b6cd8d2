-- Customers that hold what cannot be shown, and in which columns.
select c.id, {unreadable.customers} as columns
from customers c
where c.tenant_id = :tenant
  and c.id = any (:rows)
  and {unreadable.customers} <> array[]::text[]
