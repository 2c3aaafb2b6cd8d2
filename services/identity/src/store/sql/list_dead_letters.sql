select id, kind, recipient, created_at, attempts, failure, dead_at
from identity.outbox
where dead_at is not null
order by dead_at desc, id desc
limit 1000
