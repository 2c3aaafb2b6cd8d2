select {property_columns}
from properties
where tenant_id = :tenant
  and (name::text, id) > (:after_name, :after_id)
order by name::text, id
limit :most
