-- By what a customer is found.
select c.name_key, c.last_name_key, c.email_key, c.phone_key
from customers c
where c.tenant_id = :tenant
  and c.id = :id
