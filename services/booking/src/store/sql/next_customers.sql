-- The next customers of a walk through all of them, and whether each holds what cannot be
-- shown.
select c.id, {unreadable.customers} <> array[]::text[] as suspect
from customers c
where c.tenant_id = :tenant
  and c.id > :after_id
order by c.id
limit :most
