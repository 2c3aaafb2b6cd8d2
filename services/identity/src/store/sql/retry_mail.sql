-- Its time begins anew, or it would be dead after this attempt; that of its link does not.
update identity.outbox
set dead_at = null, due_at = :now, created_at = :now, attempts = 0
where id = :id
  and dead_at is not null
  and (expires_at is null or expires_at > :now)
returning id
