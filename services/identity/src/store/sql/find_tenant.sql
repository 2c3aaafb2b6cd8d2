select {tenant}
from identity.tenants t
where t.slug = :slug
