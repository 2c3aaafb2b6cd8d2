update identity.tenants t
set suspended_at = null
where t.id = :id
returning {tenant}
