update identity.tenants t
set suspended_at = null
where t.id = :id
  and t.purge_began_at is null
returning {tenant}
