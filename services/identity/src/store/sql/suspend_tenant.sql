update identity.tenants t
set suspended_at = :at
where t.id = :id
  and t.suspended_at is null
  and t.purge_began_at is null
returning {tenant}
