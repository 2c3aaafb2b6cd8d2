-- Keeps a customer from being merged or archived.
select c.id
from customers c
where c.tenant_id = :tenant
  and c.id = :id
for share of c
