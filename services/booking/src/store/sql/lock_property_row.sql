select {property_columns}
from properties
where tenant_id = :tenant
  and id = :id
for no key update
