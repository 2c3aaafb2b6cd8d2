update identity.tenants t
set suspended_at = coalesce(t.suspended_at, :at)
where t.id = :id
  and t.purge_began_at is null
returning {tenant}
