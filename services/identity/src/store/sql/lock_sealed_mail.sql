select id, sealed, dead_at is null as is_needed
from identity.outbox
where id > :after
order by id
limit :most
for update
