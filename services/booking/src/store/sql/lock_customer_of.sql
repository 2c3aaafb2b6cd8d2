-- By its id in another system.
select {customer_columns}
from customers c
where c.tenant_id = :tenant
  and c.source = :source
  and c.external_id = :external_id
for no key update of c
