-- From here on it is closed. One that is to be deleted already stays as it is. The wait counts
-- from the later of two clocks, so that none that is behind makes it shorter.
update identity.tenants t
set
    deleted_at = :at,
    purge_at = greatest(:at, now()) + make_interval(secs => :wait),
    purge_due_at = null
where t.id = :id
  and t.purge_at is null
returning {tenant}
