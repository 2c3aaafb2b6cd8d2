-- Letters that wait where nobody takes any, when their time is over.
delete from identity.outbox
where dead_at is null
  and (created_at < :before or expires_at < :now)
