select {customer_columns}
from customers
where tenant_id = :tenant
  and (name, id) > (:after_name, :after_id)
order by name, id
limit :most
