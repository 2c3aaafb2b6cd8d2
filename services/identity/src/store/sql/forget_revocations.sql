with gone as (
    delete from identity.revocation_marks
    where at < now() - interval '10 minutes'
      and position is not null
    returning position
)
update identity.revocation_head
set forgotten = greatest(forgotten, (select max(position) from gone))
where exists (select from gone)
