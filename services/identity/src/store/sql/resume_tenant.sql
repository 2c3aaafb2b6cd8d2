update identity.tenants t
set suspended_at = null
where t.id = :id
  and t.suspended_at is not null
  and t.purge_began_at is null
returning {tenant}
