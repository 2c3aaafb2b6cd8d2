-- That a tenant's time is over, by the earlier of two clocks. Its deletion begins only some time
-- after that was seen for the first time: an identity that comes from a backup has lost what was
-- restored since, and somebody can say so. Every so often it is noted that it is seen still.
-- Where nobody has looked for twice as long, the note is that of a backup, or nobody was there to
-- read the log, and it is the first time once more.
update identity.tenants t
set
    purge_due_at = coalesce(
        case when t.purge_seen_at > now() - make_interval(secs => 2 * :look) then t.purge_due_at end,
        now()
    ),
    purge_seen_at = now()
where t.id = :id
  and t.purge_at <= least(:now, now())
  and t.purge_began_at is null
  and (t.purge_seen_at is null or t.purge_seen_at <= now() - make_interval(secs => :look))
returning t.purge_due_at = now() as is_first
