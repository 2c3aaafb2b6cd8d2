select id, name, email, phone, created_at
from customers
where tenant_id = $1
  and id = $2
