-- In the order of their ids. Whoever makes a request for one of them waits, or is
-- waited for.
select {customer_columns}
from customers c
where c.tenant_id = :tenant
  and c.id = any (:ids)
order by c.id
for no key update of c
