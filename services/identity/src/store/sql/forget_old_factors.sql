-- One that is being verified is locked, and stays.
with old as (
    select id
    from identity.factors
    where verified_at is null
      and created_at < :before
    order by created_at
    limit :most
    for update skip locked
)
delete from identity.factors f
using old
where f.id = old.id
