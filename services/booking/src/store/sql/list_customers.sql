select id, name, email, phone, created_at
from customers
where tenant_id = $1
  and (name, id) > ($2, $3)
order by name, id
limit $4
