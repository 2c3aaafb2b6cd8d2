-- The first time that a tenant is seen whose time is over, by the earlier of two clocks. Its
-- deletion begins only some time after that: an identity that comes from a backup has lost what
-- was restored since, and somebody can say so. Where nobody has looked for as long again, the
-- note may be that of a backup, and it is the first time once more.
update identity.tenants t
set purge_due_at = now()
where t.id = :id
  and t.purge_at <= least(:now, now())
  and (t.purge_due_at is null or t.purge_due_at < now() - 2 * make_interval(secs => :rest))
  and t.purge_began_at is null
returning t.id
