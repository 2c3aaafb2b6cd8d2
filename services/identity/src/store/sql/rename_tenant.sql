update identity.tenants t
set name = :name
where t.id = :id
  and t.purge_began_at is null
returning {tenant}
