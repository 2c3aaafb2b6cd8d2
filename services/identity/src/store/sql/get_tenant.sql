select {tenant}
from identity.tenants t
where t.id = :id
