-- What is known of it is read after the lock, by a statement that sees what the lock
-- had to wait for.
select i.id
from inventory_ranges i
where i.tenant_id = :tenant
  and i.id = :row
for update
