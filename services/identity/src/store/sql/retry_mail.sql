-- Its time begins anew, or it would be dead after this attempt.
update identity.outbox
set dead_at = null, due_at = :now, created_at = :now, attempts = 0
where id = :id
  and dead_at is not null
returning id
