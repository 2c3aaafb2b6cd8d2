select second_factor
from identity.tenants
where id = :id
