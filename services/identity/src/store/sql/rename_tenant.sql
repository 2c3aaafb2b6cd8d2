update identity.tenants t
set name = :name
where t.id = :id
returning {tenant}
