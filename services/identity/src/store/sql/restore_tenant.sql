-- Of a restoration and the beginning of the deletion at once, which lock the row, one finds it
-- as it wants it.
update identity.tenants t
set deleted_at = null, purge_at = null, purge_due_at = null, purge_seen_at = null
where t.id = :id
  and t.purge_at is not null
  and t.purge_began_at is null
returning {tenant}
