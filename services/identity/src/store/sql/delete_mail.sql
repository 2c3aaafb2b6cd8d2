delete from identity.outbox
where id = :id
