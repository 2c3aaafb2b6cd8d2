select id
from identity.tenants
where id = :tenant
for no key update
