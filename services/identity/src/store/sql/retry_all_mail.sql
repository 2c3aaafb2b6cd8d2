-- As `retry_mail`, of all that are dead.
with retried as (
    update identity.outbox
    set dead_at = null, due_at = :now, created_at = :now, attempts = 0
    where dead_at is not null
      and (expires_at is null or expires_at > :now)
    returning id
)
select count(*) as retried
from retried
