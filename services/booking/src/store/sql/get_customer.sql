select {customer_columns}
from customers
where tenant_id = :tenant
  and id = :id
