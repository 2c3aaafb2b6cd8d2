select {customer_columns}
from customers c
where c.tenant_id = :tenant
  and c.archived = :archived
  and (c.name::text, c.id) > (:after_name, :after_id)
order by c.name::text, c.id
limit :most
