update identity.tenants t
set suspended_at = coalesce(t.suspended_at, :at)
where t.id = :id
returning {tenant}
