select {customer_columns}
from customers c
where c.tenant_id = :tenant
  and c.id = :id
