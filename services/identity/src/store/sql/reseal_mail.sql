update identity.outbox
set sealed = :sealed
where id = :id
