-- Unless another process has taken it meanwhile.
update identity.outbox
set due_at = :due_at, failure = :failure, dead_at = :dead_at
where id = :id
  and attempts = :attempts
